import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';

/** Bytes kept of one body; what comes after is counted, not kept. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Bytes kept of all bodies that are under way in this process. */
const MAX_PROCESS_BYTES = 64 * 1024 * 1024;
/** A compressed body may not become longer than this. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;
/** What keeping a chunk costs beside its bytes: a body sent byte by byte must not take a gigabyte. */
const STRING_OVERHEAD = 32;
const BUFFER_OVERHEAD = 256;

let processBytes = 0;

/**
 * A body as it passes by. Strings are kept as they are, bytes are copied (the app may reuse its buffer);
 * both are decoded once, later. Bounded per body and per process; beyond, `isCut` tells. Whoever makes one
 * must release it, since what it keeps counts for the whole process.
 */
export class ByteLog {
  #chunks: (string | Buffer)[] = [];
  #kept = 0;
  #total = 0;
  #isCut = false;
  #isReleased = false;
  #onlyText = true;

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
    const cost = size + (isText ? STRING_OVERHEAD : BUFFER_OVERHEAD);
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
    if (isText) {
      this.#chunks.push(chunk);
      return;
    }
    this.#onlyText = false;
    this.#chunks.push(copyBytes(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
  }

  /**
   * The body as text, decoded from its Content-Encoding: of a body that breaks off, what there is of it.
   * Rejects if it cannot be decoded.
   */
  text(contentEncoding?: string): string | Promise<string> {
    const codings = (contentEncoding ?? '').toLowerCase().split(',');
    const coding = codings.map((name) => name.trim()).filter((name) => name && name !== 'identity');
    if (coding.length === 0) {
      return this.#onlyText ? this.#chunks.join('') : this.#bytes().toString('utf8');
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

  #bytes(): Buffer {
    return Buffer.concat(
      this.#chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)),
    );
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

/**
 * Not from Buffer's shared pool: a slice of it would keep its 8 KiB alive for as long as the body,
 * whatever else lies in it (0.5 MB of small chunks held 78 MB so).
 */
function copyBytes(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}
