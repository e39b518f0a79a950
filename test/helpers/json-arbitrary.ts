import fc from 'fast-check';

type Json = Record<string, unknown>;

/** Texts that break what handles text carelessly. */
export const NASTY_TEXTS: readonly string[] = [
  '',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udc00tail',
  '\ufeff',
  '__proto__',
  'constructor',
  'toString',
  "'; drop table tasks; --",
  '" or 1=1 --',
  '$."\'--',
  '%_\\',
  '{"$ne": null}',
  '../../etc/passwd',
  '.',
  '..',
  'null',
  '\r\nX-Injected: 1',
  '<script>alert(1)</script>',
  'a'.repeat(257),
  '\u{1f600}'.repeat(200),
];

const NASTY_NUMBERS = [
  ...[0, -0, -1, 1, 0.5, 1e15, -1e15, 2 ** 53, -(2 ** 53), 2 ** 63, 1e300, -1e300, 5e-324],
  ...[Date.now(), Date.now() / 1000 + 90_000],
];

const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...NASTY_TEXTS, ...NASTY_NUMBERS, null, true, false),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    ...[[], {}, [[]], [null], 'x'.repeat(70_000), nested(150), nested(250), nested(1000)],
    ...[JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')],
  ),
);

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/**
 * Values that a JSON Schema describes, most of them; every so often a part is something else altogether.
 *
 * @param texts - that strings are taken from, most of the time: ids that exist
 */
export function valuesOf(
  schema: Json,
  root: Json,
  texts: readonly string[],
): fc.Arbitrary<unknown> {
  const text = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...texts) },
    { weight: 2, arbitrary: fc.constantFrom(...NASTY_TEXTS) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  );
  const extra = fc.tuple(fc.oneof(text, fc.constantFrom('model', 'steps')), anything);

  const of = (part: Json): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 24, arbitrary: right(part) }, { weight: 1, arbitrary: anything });

  const right = (part: Json): fc.Arbitrary<unknown> => {
    if (typeof part.$ref === 'string') return right(at(root, part.$ref));
    if (Array.isArray(part.enum)) return fc.constantFrom(...(part.enum as unknown[]));
    if (Array.isArray(part.anyOf)) return fc.oneof(...(part.anyOf as Json[]).map(of));
    if (Array.isArray(part.allOf))
      return fc
        .tuple(...(part.allOf as Json[]).map(right))
        .map((parts) => Object.assign({}, ...parts) as unknown);
    if (Array.isArray(part.type))
      return fc.oneof(...(part.type as string[]).map((type) => right({ ...part, type })));
    switch (part.type) {
      case 'string':
        return text;
      case 'integer':
        return fc.oneof(fc.integer({ min: -5, max: 20 }), fc.constantFrom(...NASTY_NUMBERS));
      case 'number':
        return fc.oneof(fc.integer({ min: 0, max: 2e9 }), fc.constantFrom(...NASTY_NUMBERS));
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(of((part.items ?? {}) as Json), { maxLength: 4 });
      case 'object':
        return objects(part);
      default:
        return anything;
    }
  };

  const objects = (part: Json): fc.Arbitrary<unknown> => {
    const properties = Object.entries((part.properties ?? {}) as Record<string, Json>);
    const required = new Set((part.required ?? []) as string[]);
    const fields = properties.map(([name, property]) =>
      fc
        .option(of(property), { nil: undefined, freq: required.has(name) ? 40 : 1 })
        .map((value): [string, unknown] => [name, value]),
    );
    return fc
      .tuple(fc.tuple(...fields), fc.array(extra, { maxLength: part.properties ? 1 : 4 }))
      .map(([known, others]) =>
        Object.fromEntries([...known.filter(([, value]) => value !== undefined), ...others]),
      );
  };

  return of(schema);
}

export function at(root: Json, ref: string): Json {
  let found: unknown = root;
  for (const part of ref.slice(2).split('/'))
    found = (found as Json)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  return found as Json;
}
