import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Express, RequestHandler, Response } from 'express';
import { expect, onTestFinished } from 'vitest';
import { documentOf } from '../../src/collector/openapi/document.ts';
import { ROUTES } from '../../src/collector/routes/routes.ts';

type Json = Record<string, unknown>;

/** The document as a client reads it, with every object closed: an answer must not hold what it does not tell of. */
export const DOCUMENT = closed(JSON.parse(JSON.stringify(documentOf(ROUTES)))) as {
  paths: Record<string, Record<string, { responses: Record<string, Json> }>>;
};

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(DOCUMENT, 'openapi');
const compiled = new Map<string, ValidateFunction>();

/** What differs from the document fails the test at its end. */
export function checkAnswers(app: Express): void {
  const faults = watchAnswers(app);
  onTestFinished(() => {
    expect(faults).toEqual([]);
  });
}

/**
 * Compares each answer of an app, whoever asks, with what the document says of its route: status, content type,
 * headers and body.
 *
 * @returns what differs, to be looked at when all is answered
 */
export function watchAnswers(app: Express): readonly string[] {
  const faults: string[] = [];
  const layers = layersOf(app);
  app.use(((req, res, next) => {
    const { method, path } = req;
    const text = textOf(res);
    res.once('finish', () => {
      const fault = faultOf(method, path, res, text());
      if (fault !== undefined) faults.push(`${method} ${path} → ${res.statusCode}: ${fault}`);
    });
    next();
  }) satisfies RequestHandler);
  // It was added behind all others; it must be the first.
  layers.unshift(layers.pop());
  return faults;
}

/** The routers' own list, in Express 5 and 4. */
export function layersOf(app: Express): { route?: { path: unknown } }[] & unknown[] {
  const { router, _router } = app as unknown as { router: unknown; _router: unknown };
  return ((_router ?? router) as { stack: { route?: { path: unknown } }[] }).stack;
}

function faultOf(method: string, path: string, res: Response, text: string): string | undefined {
  if (path.startsWith('/dashboard') || path === '/') return undefined;
  if (!/^[\w.:=+/-]{1,128}$/.test(String(res.getHeader('x-request-id')))) return 'no request id';
  const operation = operationOf(method, path);
  const { statusCode: status } = res;
  if (operation === undefined) {
    if (![400, 403, 404, 405].includes(status)) return 'no operation of the document';
    return method === 'HEAD' ? undefined : mismatch('/components/schemas/Error', text);
  }
  const [pointer, { responses }] = operation;
  const response = responses[status];
  if (response === undefined) return 'the document does not know this status';
  const place =
    typeof response.$ref === 'string' ? response.$ref.slice(1) : `${pointer}/responses/${status}`;
  const contents = at(place).content as Json;
  const [sent = ''] = String(res.getHeader('content-type')).split(';');
  const type = Object.hasOwn(contents, sent) ? sent : undefined;
  if (type === undefined) return `not ${Object.keys(contents)}`;
  const content = contents[type];
  for (const name of Object.keys((at(place).headers ?? {}) as Json)) {
    if (
      res.getHeader(name) === undefined &&
      !(name === 'Retry-After' && ![429, 503].includes(status))
    )
      return `without ${name}`;
  }
  if (method === 'HEAD' || type !== 'application/json' || content === undefined) return undefined;
  return mismatch(`${place}/content/application~1json/schema`, text);
}

function operationOf(
  method: string,
  path: string,
): [pointer: string, { responses: Record<string, Json> }] | undefined {
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  const spelled = path.toLowerCase().replace(/(?<=.)\/$/, '');
  // Of two patterns that fit, the one with fewer parameters is meant: /tasks/flat before /tasks/{task_id}.
  const fitting = Object.keys(DOCUMENT.paths)
    .filter((pattern) => DOCUMENT.paths[pattern]?.[verb] !== undefined)
    .filter((pattern) =>
      new RegExp(`^${pattern.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(spelled),
    )
    .sort((a, b) => a.split('{').length - b.split('{').length);
  const pattern = fitting[0];
  const operation = pattern === undefined ? undefined : DOCUMENT.paths[pattern]?.[verb];
  if (pattern === undefined || operation === undefined) return undefined;
  return [`/paths/${pattern.replaceAll('~', '~0').replaceAll('/', '~1')}/${verb}`, operation];
}

function mismatch(pointer: string, text: string): string | undefined {
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` });
  compiled.set(pointer, validate);
  const isFine = validate(JSON.parse(text));
  return isFine ? undefined : `${ajv.errorsText(validate.errors)} in ${text.slice(0, 500)}`;
}

function at(pointer: string): Json {
  let found: unknown = DOCUMENT;
  for (const part of pointer.split('/').slice(1))
    found = (found as Json)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  return found as Json;
}

function textOf(res: Response): () => string {
  const parts: Buffer[] = [];
  for (const name of ['write', 'end'] as const) {
    const original = res[name] as (...args: unknown[]) => unknown;
    res[name] = ((...args: unknown[]) => {
      const [chunk] = args;
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) parts.push(Buffer.from(chunk));
      return Reflect.apply(original, res, args);
    }) as never;
  }
  return () => Buffer.concat(parts).toString('utf8');
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const json = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, closed(item)]));
  const isOpen =
    json.type !== 'object' || json.properties === undefined || 'additionalProperties' in json;
  return isOpen ? json : { ...json, additionalProperties: false };
}
