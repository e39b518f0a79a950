import type { JsonObject } from '../types.ts';

/** What qs, the parser behind `express.urlencoded`, takes by default. */
const MAX_FIELDS = 1_000;
const MAX_DEPTH = 6;
const MAX_INDEX = 1_000;

/**
 * An `application/x-www-form-urlencoded` body as `express.urlencoded({ extended: true })` reads it:
 * `messages[0][role]=user` is a list of objects, and a name that comes twice is a list. Beyond the bounds,
 * fields are left out.
 */
export function formFields(text: string): JsonObject {
  const root: Node = new Map();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++count > MAX_FIELDS) break;
    const path = pathOf(name);
    if (path.length <= MAX_DEPTH) put(root, path, value);
  }
  return toObject(root) as JsonObject;
}

type Node = Map<string, Node | string[]>;

/** `a[b][]` is a, b and an empty name; a name with brackets that do not match stands for itself. */
function pathOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])+)$/.exec(name);
  if (match === null) return [name];
  const [, first = '', rest = ''] = match;
  return [first, ...rest.slice(1, -1).split('][')];
}

function put(root: Node, path: readonly string[], value: string): void {
  let node = root;
  for (const name of path.slice(0, -1)) {
    const key = name === '' ? `${node.size}` : name;
    const known = node.get(key);
    if (Array.isArray(known)) return;
    const next: Node = known ?? new Map();
    node.set(key, next);
    node = next;
  }
  const last = path.at(-1) ?? '';
  const key = last === '' && path.length > 1 ? `${node.size}` : last;
  const known = node.get(key);
  if (known === undefined) node.set(key, [value]);
  else if (Array.isArray(known)) known.push(value);
}

function toObject(node: Node): unknown {
  const values = [...node].map(([key, value]) => {
    const plain = Array.isArray(value) ? (value.length === 1 ? value[0] : value) : toObject(value);
    return [key, plain] as const;
  });
  const isList = values.length > 0 && values.every(([key]) => isIndex(key));
  if (!isList) return Object.fromEntries(values);
  return values.sort(([one], [other]) => Number(one) - Number(other)).map(([, value]) => value);
}

function isIndex(key: string): boolean {
  return /^\d{1,4}$/.test(key) && Number(key) <= MAX_INDEX;
}
