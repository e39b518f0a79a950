import { StringDecoder } from 'node:string_decoder';
import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';
import { BLOCK_BYTES } from '../internal/blocks.ts';
import { Outside } from '../internal/outside.ts';
import { ByteBlocks } from './byte-blocks.ts';
import type { StreamedParts } from './extract/format.ts';
import type { StreamInParts } from './extract/stream-in-parts.ts';

/** Bytes kept of one body; what comes after is counted, not kept. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Bytes kept of all bodies that are under way in this process. */
const MAX_PROCESS_BYTES = 64 * 1024 * 1024;
/** From so many on a stream is read while it goes on. */
const LONG_BYTES = 16_384;
/** A compressed body may not become longer than this. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
/** What keeping a chunk costs beside its bytes: a body sent byte by byte must not take a gigabyte. */
const CHUNK_OVERHEAD = 32;

const outside = new Outside('phospho-express.byte-log');

let processBytes = 0;

/** Characters of a body's begin that tell how it goes on. */
const BEGIN = 2_000;

/**
 * Called once, if a body becomes long, with its first character that is no white space and its begin: for what reads it
 * while it goes on, so that `parts()` has what there is to have; undefined: it is kept as a whole.
 */
export type ReaderMaker = (first: string, begin: string) => StreamInParts | undefined;

interface Reader {
  readonly stream: StreamInParts;
  readonly decoder: StringDecoder;
  readonly waiting: ByteBlocks;
}

/**
 * A body as it passes by. Strings are kept as they are. Bytes are copied, since the app may reuse its buffer,
 * into strings of one character a byte: a small Buffer of its own costs an allocation outside the heap and
 * its finaliser, and a slice of Buffer's shared pool keeps its 8 KiB alive. All is decoded once, later; a
 * stream that becomes long is read while it goes on, since most of it is said again in each event. Bounded per
 * body and per process; beyond, `isCut` tells. Whoever makes one must release it, since what it keeps counts
 * for the whole process.
 */
export class ByteLog {
  /** To be read in the next turn: one callback for all, since hundreds of them would outlive young garbage. */
  static #toRead: ByteLog[] = [];
  #chunks: string[] = [];
  /** From this chunk on, characters are bytes; before it they are text. */
  #bytesFrom = Number.POSITIVE_INFINITY;
  #kept = 0;
  #total = 0;
  #isCut = false;
  #isReleased = false;
  /** What of `#kept` is in `#chunks`. */
  #loose = 0;
  #makeReader: ReaderMaker | undefined;
  #reader: Reader | undefined;
  #isReading = false;

  constructor(makeReader?: ReaderMaker) {
    this.#makeReader = makeReader;
  }

  /** Bytes that passed, kept or not. */
  get totalBytes(): number {
    return this.#total;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  append(chunk: string | Uint8Array): void {
    const isText = typeof chunk === 'string';
    const size = isText ? Buffer.byteLength(chunk) : chunk.byteLength;
    this.#total += size;
    // A body may go on after its reader has finished with it: an upload that was answered early, say.
    if (this.#isReleased) return;
    const cost = size + CHUNK_OVERHEAD;
    if (
      this.#isCut ||
      this.#kept + cost > MAX_BODY_BYTES ||
      processBytes + cost > MAX_PROCESS_BYTES
    ) {
      this.#isCut = true;
      return;
    }
    this.#kept += cost;
    this.#loose += cost;
    processBytes += cost;
    if (this.#reader) this.#reader.waiting.append(chunk, size);
    else if (isText && this.#isText) this.#chunks.push(chunk);
    else {
      if (this.#isText) this.#bytesFrom = this.#chunks.length;
      this.#chunks.push(byteString(isText ? Buffer.from(chunk) : chunk));
    }
    const enough = this.#reader ? BLOCK_BYTES : LONG_BYTES;
    if (this.#loose < enough || this.#isReading) return;
    if (this.#reader === undefined && this.#makeReader === undefined) return;
    this.#isReading = true;
    // Off the path: the app's write returns first.
    if (ByteLog.#toRead.push(this) > 1) return;
    outside.runInAsyncScope(() => setImmediate(() => ByteLog.#readAll()).unref());
  }

  /**
   * The body as text, decoded from its Content-Encoding and charset: of a body that breaks off, what there is of
   * it. Rejects if it cannot be decoded.
   */
  text(contentEncoding?: string, charset = 'utf-8'): string | Promise<string> {
    const codings = (contentEncoding ?? '').toLowerCase().split(',');
    const coding = codings.map((name) => name.trim()).filter((name) => name && name !== 'identity');
    if (coding.length === 0) {
      return this.#isText ? this.#chunks.join('') : decoded(this.#bytes(), charset);
    }
    const decode = coding.length === 1 ? DECODERS.get(coding[0]) : undefined;
    if (decode === undefined) {
      return Promise.reject(new Error(`a body in ${contentEncoding} cannot be read`));
    }
    return decode(this.#bytes()).then((bytes) => decoded(bytes, charset));
  }

  /** What has been read of a stream that became long; undefined: `text()` has all of it. */
  parts(): (StreamedParts & { isExact: boolean }) | undefined {
    if (this.#reader === undefined) return undefined;
    this.#read();
    const { stream, decoder } = this.#reader;
    stream.push(decoder.end());
    return stream.end();
  }

  static #readAll(): void {
    const logs = ByteLog.#toRead;
    ByteLog.#toRead = [];
    for (const log of logs) log.#readSafely();
  }

  #readSafely(): void {
    this.#isReading = false;
    if (this.#isReleased) return;
    try {
      this.#read();
    } catch {
      // What nobody can read is not worth its memory.
      this.#isCut = true;
    }
  }

  #read(): void {
    const reader = this.#reader ?? this.#begin();
    if (reader === undefined) return;
    const { stream, decoder, waiting } = reader;
    const before = stream.kept;
    waiting.drain((bytes) => stream.push(decoder.write(bytes)));
    const kept = this.#kept - this.#loose + stream.kept - before;
    processBytes += kept - this.#kept;
    this.#kept = kept;
    this.#loose = 0;
  }

  #begin(): Reader | undefined {
    const make = this.#makeReader;
    this.#makeReader = undefined;
    const bytes = this.#bytes();
    const begin = bytes.toString('latin1', 0, BEGIN);
    const stream = make?.(begin.slice(0, 100).trimStart().charAt(0), begin);
    if (stream === undefined) return undefined;
    const waiting = new ByteBlocks();
    waiting.append(bytes, bytes.byteLength);
    this.#chunks = [];
    this.#bytesFrom = Number.POSITIVE_INFINITY;
    this.#reader = { stream, decoder: new StringDecoder('utf8'), waiting };
    return this.#reader;
  }

  /** Gives the memory back; the log is empty afterwards, and stays so. */
  release(): void {
    this.#isReleased = true;
    this.#reader?.waiting.drain(() => {});
    processBytes -= this.#kept;
    this.#kept = 0;
    this.#chunks = [];
  }

  get #isText(): boolean {
    return this.#bytesFrom === Number.POSITIVE_INFINITY;
  }

  #bytes(): Buffer {
    const text = this.#chunks.slice(0, this.#bytesFrom).join('');
    const bytes = this.#chunks.slice(this.#bytesFrom).join('');
    if (text === '') return Buffer.from(bytes, 'latin1');
    return Buffer.concat([Buffer.from(text), Buffer.from(bytes, 'latin1')]);
  }
}

type Decoder = (bytes: Buffer) => Promise<Buffer>;

const gunzipped = promisify<Buffer, object, Buffer>(gunzip);
const inflated = promisify<Buffer, object, Buffer>(inflate);
const unbrotlied = promisify<Buffer, object, Buffer>(brotliDecompress);

const maxOutputLength = MAX_DECODED_BYTES;
/** Flushing where the bytes end, instead of finishing, decodes a body that breaks off as far as it goes. */
const ZLIB = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH };
const ungzip: Decoder = (bytes) => gunzipped(bytes, ZLIB);

const DECODERS: ReadonlyMap<string | undefined, Decoder> = new Map([
  ['gzip', ungzip],
  ['x-gzip', ungzip],
  ['deflate', (bytes) => inflated(bytes, ZLIB)],
  ['br', (bytes) => unbrotlied(bytes, BROTLI)],
]);

/** A charset that is unknown counts as UTF-8. */
function decoded(bytes: Buffer, charset: string): string {
  if (charset === 'utf-8') return bytes.toString('utf8');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString('utf8');
  }
}

function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
