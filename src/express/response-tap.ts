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
  /** The chunk that made the head be written, where one did. A string is UTF-8. */
  firstChunk: string | Uint8Array | undefined;
}

export interface ResponseListener {
  /** Returns headers to add. Called once, before the first byte; again if the head turns out invalid. */
  onHead(head: ResponseHead): readonly HeaderPair[];
  /** A string is UTF-8; one in another encoding comes as its bytes. */
  onChunk(chunk: string | Uint8Array): void;
  /** The app has ended its answer, whether or not anybody is there to get it. */
  onAppEnd(): void;
  /** Whatever a listener throws ends up here, and never in the app. */
  onFault(error: unknown): void;
}

export interface ResponseTap {
  /**
   * False: somebody mounted before us (compression, express-session) has an `end` of its own, and what that
   * makes of the head, and returns, cannot be foreseen.
   */
  readonly isNodesEnd: boolean;
  /**
   * Writes the head that `end(chunk)` would write, if there is none yet, and shows the chunk to the listener.
   * Over HTTP/1 nothing is sent by that. The `end` that follows does not show the chunk again.
   */
  announceEnd(chunk: unknown, encoding: unknown): void;
}

type AnyMethod = (...args: unknown[]) => unknown;

/**
 * Watches a response through its own `writeHead`, `write` and `end`: each is called exactly as the app
 * called it, with the same `this` and arguments, and its result is returned. The one thing that may
 * change is the head, by the pairs that the listener asks for.
 */
export function tapResponse(res: AppResponse, listener: ResponseListener): ResponseTap {
  const target = res as unknown as { [name in 'writeHead' | 'write' | 'end']: AnyMethod };
  const { writeHead, write, end } = target;
  /** HTTP/2's `end` calls `write`, and `write` calls `writeHead`: each chunk counts once. */
  let depth = 0;
  let headSeen = false;
  const isNodesHead = !Object.hasOwn(res, 'writeHead');
  const isNodesEnd = !Object.hasOwn(res, 'end');
  let isEndAnnounced = false;
  let current: { chunk: unknown; encoding: unknown; isWhole: boolean } | undefined;

  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      listener.onFault(error);
    }
  };

  const seeChunk = (chunk: unknown, encoding: unknown): void => {
    const body = bodyOf(chunk, encoding);
    if (body !== undefined) listener.onChunk(body);
  };

  target.writeHead = function tappedWriteHead(this: unknown, ...args: unknown[]): unknown {
    if (headSeen || res.headersSent) return writeHead.apply(this, args);
    headSeen = true;
    let added: AddedHeaders | undefined;
    guard(() => {
      const given = headersOf(args);
      const pairs = listener.onHead({
        // Node sends '404' as 404.
        status: Number(args[0]),
        get: (name) =>
          valueIn(given, name, () => isNodesHead && res.getHeaderNames().length > 0) ??
          headerOf(res, name),
        isWhole: current?.isWhole ?? false,
        firstChunk: bodyOf(current?.chunk, current?.encoding),
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
      const counts = !res.writableEnded && !isEndAnnounced;
      current = { chunk: args[0], encoding: args[1], isWhole };
      depth += 1;
      let result: unknown;
      try {
        result = original.apply(this, args);
      } finally {
        depth -= 1;
        current = undefined;
      }
      if (counts) guard(() => seeChunk(args[0], args[1]));
      if (isWhole) guard(() => listener.onAppEnd());
      return result;
    };
  target.write = tapBody(write, false);
  target.end = tapBody(end, true);

  return {
    isNodesEnd,
    announceEnd(chunk, encoding) {
      if (!res.headersSent) {
        current = { chunk, encoding, isWhole: true };
        depth += 1;
        try {
          setBodyLength(res, chunk, encoding);
          res.writeHead(res.statusCode);
        } finally {
          depth -= 1;
          current = undefined;
        }
      }
      isEndAnnounced = true;
      guard(() => seeChunk(chunk, encoding));
    },
  };
}

/** As Node's `end` does before it writes the head, which then says the body's length. HTTP/2 has no such field. */
function setBodyLength(res: AppResponse, chunk: unknown, encoding: unknown): void {
  if (!('_contentLength' in res)) return;
  if (!isBody(chunk)) res._contentLength = 0;
  else if (typeof chunk !== 'string') res._contentLength = chunk.byteLength;
  else res._contentLength = Buffer.byteLength(chunk, encoding as BufferEncoding | undefined);
}

/** What `write` and `end` take. */
export function isBody(chunk: unknown): chunk is string | Uint8Array {
  return typeof chunk === 'string' || chunk instanceof Uint8Array;
}

const UTF8 = /^utf-?8$/i;

/** What is sent of a chunk: text in UTF-8, or bytes. A callback may be where an encoding would. */
function bodyOf(chunk: unknown, encoding: unknown): string | Uint8Array | undefined {
  if (typeof chunk !== 'string') return isBody(chunk) ? chunk : undefined;
  const isText = typeof encoding !== 'string' || UTF8.test(encoding);
  return isText || !Buffer.isEncoding(encoding) ? chunk : Buffer.from(chunk, encoding);
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

/**
 * Of a name that is twice in a list, Node 20 sends the last alone if headers were set before; later lines, and
 * the on-headers package, which compression puts in front of Node's, all.
 */
const LAST_WINS = Number.parseInt(process.versions.node, 10) < 22;

function valueIn(given: GivenHeaders, name: string, isMerged: () => boolean): string | undefined {
  if (given === undefined) return undefined;
  const found = pairsOf(given).filter(([key]) => key.toLowerCase() === name);
  if (found.length === 0) return undefined;
  const sent = LAST_WINS && isMerged() ? found.slice(-1) : found;
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
  const isBlank = res.getHeaderNames().length === 0;
  // Node takes a list of pairs only where no header was set before, and an error must stay the same error.
  const isRefused = isList(given) && !given.flat && !isBlank;
  // Once a header was set, and be it removed again, Node takes the next head differently.
  if ((given === undefined && !isBlank) || isRefused) {
    for (const [name, value] of pairs) res.setHeader(name, value);
    return { args, undo };
  }
  const position = positionOf(args);
  const passed = [...args];
  passed[position] = merged(given, pairs);
  return { args: passed, undo };
}

function merged(given: GivenHeaders, pairs: readonly HeaderPair[]): unknown {
  const ours = new Map(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const keep = (name: string): boolean => !ours.has(name.toLowerCase());
  if (!isList(given)) {
    const rest = Object.entries(given ?? {}).filter(([name]) => keep(name));
    return Object.fromEntries([...rest, ...pairs]);
  }
  const rest = pairsOf(given).filter(([name]) => keep(name));
  return given.flat ? [...rest.flat(), ...pairs.flat()] : [...rest, ...pairs];
}
