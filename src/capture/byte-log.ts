import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';

/** Bytes kept of one body; what comes after is counted, not kept. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Bytes kept of all bodies that are under way in this process. */
const MAX_PROCESS_BYTES = 64 * 1024 * 1024;
/** A compressed body may not become longer than this. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
/** What keeping a chunk costs beside its bytes: a body sent byte by byte must not take a gigabyte. */
const CHUNK_OVERHEAD = 32;

let processBytes = 0;

/**
 * A body as it passes by. Strings are kept as they are. Bytes are copied, since the app may reuse its buffer,
 * into strings of one character a byte: a small Buffer of its own costs an allocation outside the heap and
 * its finaliser, and a slice of Buffer's shared pool keeps its 8 KiB alive. All is decoded once, later. Bounded per body and per process; beyond, `isCut` tells. Whoever makes one
 * must release it, since what it keeps counts for the whole process.
 */
export class ByteLog {
  #chunks: string[] = [];
  /** From this chunk on, characters are bytes; before it they are text. */
  #bytesFrom = Number.POSITIVE_INFINITY;
  #kept = 0;
  #total = 0;
  #isCut = false;
  #isReleased = false;

  /** Bytes that passed, kept or not. */
  get totalBytes(): number {
    return this.#total;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  append(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    // A string in another encoding than UTF-8 is text for bytes that we need.
    const isText = typeof chunk === 'string' && (encoding === undefined || isUtf8(encoding));
    const size = typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.byteLength;
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
    processBytes += cost;
    if (isText && this.#isText) {
      this.#chunks.push(chunk);
      return;
    }
    if (this.#isText) this.#bytesFrom = this.#chunks.length;
    this.#chunks.push(byteString(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
  }

  /**
   * The body as text, decoded from its Content-Encoding: of a body that breaks off, what there is of it.
   * Rejects if it cannot be decoded.
   */
  text(contentEncoding?: string): string | Promise<string> {
    const codings = (contentEncoding ?? '').toLowerCase().split(',');
    const coding = codings.map((name) => name.trim()).filter((name) => name && name !== 'identity');
    if (coding.length === 0) {
      return this.#isText ? this.#chunks.join('') : this.#bytes().toString('utf8');
    }
    const decode = coding.length === 1 ? DECODERS.get(coding[0]) : undefined;
    if (decode === undefined) {
      return Promise.reject(new Error(`a body in ${contentEncoding} cannot be read`));
    }
    return decode(this.#bytes()).then((bytes) => bytes.toString('utf8'));
  }

  /** Gives the memory back; the log is empty afterwards, and stays so. */
  release(): void {
    this.#isReleased = true;
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

function isUtf8(encoding: string): boolean {
  return encoding === 'utf8' || encoding === 'utf-8' || encoding === 'UTF-8';
}

function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
