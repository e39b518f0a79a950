import type { AppResponse } from './types.ts';

/** A header of ours, to be written with the head. */
export type HeaderPair = readonly [name: string, value: string];

/** The head of a response at the moment it is written. */
export interface ResponseHead {
  status: number;
  /** A header as it will be sent, by lower-case name. */
  get(name: string): string | undefined;
  /** True: the head is written because of `end()`, so that the body is whole and not a stream. */
  isWhole: boolean;
  /** The chunk that made the head be written, where one did. */
  firstChunk: string | Uint8Array | undefined;
}

export interface ResponseListener {
  /** Returns headers to add. Called once, before the first byte; again if the head turns out invalid. */
  onHead(head: ResponseHead): readonly HeaderPair[];
  onChunk(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): void;
  /** Whatever a listener throws ends up here, and never in the app. */
  onFault(error: unknown): void;
}

type AnyMethod = (...args: unknown[]) => unknown;

/**
 * Watches a response through its own `writeHead`, `write` and `end`: each is called exactly as the app
 * called it, with the same `this` and arguments, and its result is returned. The one thing that may
 * change is the head, by the pairs that the listener asks for.
 */
export function tapResponse(res: AppResponse, listener: ResponseListener): void {
  const target = res as unknown as { [name in 'writeHead' | 'write' | 'end']: AnyMethod };
  const { writeHead, write, end } = target;
  /** HTTP/2's `end` calls `write`, and `write` calls `writeHead`: each chunk counts once. */
  let depth = 0;
  let headSeen = false;
  let current: { chunk: unknown; isWhole: boolean } | undefined;

  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      listener.onFault(error);
    }
  };

  const seeChunk = (chunk: unknown, encoding: unknown): void => {
    if (typeof chunk === 'string') {
      listener.onChunk(
        chunk,
        typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined,
      );
    } else if (chunk instanceof Uint8Array) {
      listener.onChunk(chunk, undefined);
    }
  };

  target.writeHead = function tappedWriteHead(this: unknown, ...args: unknown[]): unknown {
    if (headSeen || res.headersSent) return writeHead.apply(this, args);
    headSeen = true;
    let added: AddedHeaders | undefined;
    guard(() => {
      const given = headersOf(args);
      const pairs = listener.onHead({
        status: typeof args[0] === 'number' ? args[0] : res.statusCode,
        get: (name) => valueIn(given, name, res) ?? headerOf(res, name),
        isWhole: current?.isWhole ?? false,
        firstChunk: isBody(current?.chunk) ? current.chunk : undefined,
      });
      added = addHeaders(res, args, pairs);
    });
    try {
      return writeHead.apply(this, added?.args ?? args);
    } catch (error) {
      // Node refuses this head (a status of 99, say); the app's error handler will write another.
      headSeen = false;
      guard(() => added?.undo());
      throw error;
    }
  };

  const tapBody = (original: AnyMethod, isWhole: boolean) =>
    function tappedBody(this: unknown, ...args: unknown[]): unknown {
      if (depth > 0) return original.apply(this, args);
      // What comes after the end is an error of the app's, not a part of the body.
      const counts = !res.writableEnded;
      current = { chunk: args[0], isWhole };
      depth += 1;
      let result: unknown;
      try {
        result = original.apply(this, args);
      } finally {
        depth -= 1;
        current = undefined;
      }
      if (counts) guard(() => seeChunk(args[0], args[1]));
      return result;
    };
  target.write = tapBody(write, false);
  target.end = tapBody(end, true);
}

function isBody(chunk: unknown): chunk is string | Uint8Array {
  return typeof chunk === 'string' || chunk instanceof Uint8Array;
}

type GivenHeaders =
  | { list: readonly unknown[]; flat: boolean }
  | { [name: string]: unknown }
  | undefined;

interface AddedHeaders {
  /** For `writeHead`, instead of the app's. */
  args: unknown[];
  /** Leaves the response's own headers as they were. */
  undo(): void;
}

/** Where `writeHead(status, [message], headers)` looks for headers: the third argument comes first. */
function positionOf(args: readonly unknown[]): 1 | 2 {
  return typeof args[1] === 'string' || (args[2] !== undefined && args[2] !== null) ? 2 : 1;
}

/** The headers given to `writeHead`: an object, or one of two kinds of list. */
function headersOf(args: readonly unknown[]): GivenHeaders {
  const given = args[positionOf(args)];
  if (Array.isArray(given)) return { list: given, flat: !Array.isArray(given[0]) };
  return typeof given === 'object' && given !== null ? { ...given } : undefined;
}

function pairsOf(given: GivenHeaders): [string, unknown][] {
  if (given === undefined) return [];
  if (!isList(given)) return Object.entries(given);
  const { list, flat } = given;
  if (!flat)
    return list.map((pair) => (Array.isArray(pair) ? [String(pair[0]), pair[1]] : ['', '']));
  const pairs: [string, unknown][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) pairs.push([String(list[i]), list[i + 1]]);
  return pairs;
}

function isList(given: GivenHeaders): given is { list: readonly unknown[]; flat: boolean } {
  return given !== undefined && Array.isArray(given.list) && typeof given.flat === 'boolean';
}

/** Of a name that is twice in a list, Node 20 sends the last alone if headers were set before; later lines all. */
const LAST_WINS = Number.parseInt(process.versions.node, 10) < 22;

function valueIn(given: GivenHeaders, name: string, res: AppResponse): string | undefined {
  const found = pairsOf(given).filter(([key]) => key.toLowerCase() === name);
  if (found.length === 0) return undefined;
  const sent = LAST_WINS && res.getHeaderNames().length > 0 ? found.slice(-1) : found;
  return sent.map(([, value]) => asLine(value)).join(', ');
}

function headerOf(res: AppResponse, name: string): string | undefined {
  const value = res.getHeader(name);
  return value === undefined ? undefined : asLine(value);
}

/** A header of several values is sent as several lines, which mean the same as one. */
function asLine(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/**
 * Where `writeHead` is given headers, ours go along with them, in the same form: setting them on the
 * response would make Node merge both lists, and with that change the order and spelling of the app's own.
 */
function addHeaders(
  res: AppResponse,
  args: unknown[],
  pairs: readonly HeaderPair[],
): AddedHeaders | undefined {
  const given = headersOf(args);
  // A flat list of odd length is an error that Node must still see.
  if (pairs.length === 0 || (isList(given) && given.flat && given.list.length % 2 > 0)) {
    return undefined;
  }
  const before = pairs.map(([name]) => [name, res.getHeader(name)] as const);
  const undo = (): void => {
    for (const [name, value] of before) {
      if (value === undefined) res.removeHeader(name);
      else res.setHeader(name, value);
    }
  };
  // Node takes a list of pairs only where no header was set before, and an error must stay the same error.
  const isRefused = isList(given) && !given.flat && res.getHeaderNames().length > 0;
  if (given === undefined || isRefused) {
    for (const [name, value] of pairs) res.setHeader(name, value);
    return { args, undo };
  }
  const position = positionOf(args);
  const passed = [...args];
  passed[position] = merged(args[position], given, pairs);
  return { args: passed, undo };
}

function merged(original: unknown, given: GivenHeaders, pairs: readonly HeaderPair[]): unknown {
  const ours = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const keep = (name: string): boolean => !ours.has(name.toLowerCase());
  if (!isList(given)) {
    const rest = Object.entries(original as object).filter(([name]) => keep(name));
    return Object.fromEntries([...rest, ...pairs]);
  }
  const rest = pairsOf(given).filter(([name]) => keep(name));
  return given.flat ? [...rest.flat(), ...pairs.flat()] : [...rest, ...pairs];
}
