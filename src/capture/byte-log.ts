import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

/** Bytes kept of one body; what comes after is counted, not kept. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Bytes kept of all bodies that are under way in this process. */
const MAX_PROCESS_BYTES = 64 * 1024 * 1024;
/** A compressed body may not become longer than this. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024;

let processBytes = 0;

/**
 * A body as it passes by. Strings are kept as they are, bytes are copied (the app may reuse its buffer);
 * both are decoded once, later. Bounded per body and per process; beyond, `isCut` tells.
 */
export class ByteLog {
  #chunks: (string | Buffer)[] = [];
  #kept = 0;
  #total = 0;
  #isCut = false;
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
    const size = typeof chunk === 'string' ? chunk.length : chunk.byteLength;
    this.#total += size;
    if (
      this.#isCut ||
      this.#kept + size > MAX_BODY_BYTES ||
      processBytes + size > MAX_PROCESS_BYTES
    ) {
      this.#isCut = true;
      return;
    }
    this.#kept += size;
    processBytes += size;
    if (isText) {
      this.#chunks.push(chunk);
      return;
    }
    this.#onlyText = false;
    this.#chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : copyBytes(chunk));
  }

  /** The body as text, decoded from its Content-Encoding. Rejects if it cannot be decoded. */
  text(contentEncoding?: string): string | Promise<string> {
    const codings = (contentEncoding ?? '').toLowerCase().split(',');
    const coding = codings.map((name) => name.trim()).filter((name) => name && name !== 'identity');
    if (coding.length === 0) {
      return this.#onlyText ? this.#chunks.join('') : this.#bytes().toString('utf8');
    }
    const decode = coding.length === 1 ? DECODERS[coding[0] ?? ''] : undefined;
    if (decode === undefined || this.#isCut) {
      return Promise.reject(new Error(`a body in ${contentEncoding} cannot be read`));
    }
    return decode(this.#bytes(), { maxOutputLength: MAX_DECODED_BYTES }).then((bytes) =>
      bytes.toString('utf8'),
    );
  }

  /** Gives the memory back; the log is empty afterwards. */
  release(): void {
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

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: { [coding: string]: Decoder } = {
  gzip: promisify(gunzip) as Decoder,
  'x-gzip': promisify(gunzip) as Decoder,
  deflate: promisify(inflate) as Decoder,
  br: promisify(brotliDecompress) as Decoder,
};

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
