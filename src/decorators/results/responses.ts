import { charsetOf, kindOf } from '../../capture/body-kind.ts';
import type { BytesAbout } from '../../capture/passed-bytes.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { derive } from './derive.ts';
import { followNodeStream, isNodeStream } from './node-streams.ts';
import { Reading } from './reading.ts';
import { followWebStream, isWebStream } from './web-streams.ts';

type Method = (...args: unknown[]) => unknown;

/** A Response of fetch, of Node or of a package. */
export interface FetchResponse {
  readonly status: number;
  readonly bodyUsed: boolean;
  readonly body: unknown;
  readonly headers: { get(name: string): string | null };
  text: Method;
}

export function isResponse(value: object): value is FetchResponse {
  const response = value as { [name: string]: unknown };
  return (
    typeof response.text === 'function' &&
    typeof response.arrayBuffer === 'function' &&
    typeof response.status === 'number' &&
    typeof response.bodyUsed === 'boolean' &&
    typeof (response.headers as Headers | undefined)?.get === 'function'
  );
}

const readings = new WeakMap<object, Reading>();

/** Records a Response as its body is read; it is never read by us, nor cloned. */
export function followResponse(response: FetchResponse, call: OpenCall): void {
  const known = readings.get(response);
  if (known) {
    known.join(call);
    return;
  }
  const { body } = response;
  if (response.bodyUsed || body === null) {
    call.end('complete', { output: `[response ${response.status}]` });
    return;
  }
  const reading = followBody(response, body, call);
  if (reading === undefined) return;
  readings.set(response, reading);
  // They read the body's stream by its own methods, which are covered. What another implementation reads unseen is
  // told by what its promise gives.
  for (const name of ['json', 'text', 'arrayBuffer', 'bytes', 'blob', 'formData'] as const) {
    const consume = (response as unknown as { [name in string]?: unknown })[name];
    if (typeof consume === 'function') coverConsumer(response, name, consume as Method, reading);
  }
}

function followBody(response: FetchResponse, body: unknown, call: OpenCall): Reading | undefined {
  const type = response.headers.get('content-type') ?? undefined;
  const about: BytesAbout = {
    kind: kindOf(type),
    charset: charsetOf(type),
    status: response.status,
  };
  if (typeof body === 'object' && body !== null) {
    if (isWebStream(body)) return followWebStream(body, call, about);
    if (isNodeStream(body)) return followNodeStream(body, call, about);
  }
  return new Reading(call, response, about);
}

function coverConsumer(
  response: FetchResponse,
  name: string,
  consume: Method,
  reading: Reading,
): void {
  cover(response, name, function (this: unknown, ...args: unknown[]): unknown {
    const go = (): unknown => Reflect.apply(consume, this, args);
    if (this !== response || reading.isOver || response.bodyUsed) return go();
    return derive(
      reading.inScope(go),
      (value) => {
        if (reading.isOver) return;
        if (typeof value === 'string') reading.noteText(value);
        else reading.note(isBlob(value) ? `[${value.size} bytes]` : value);
        reading.finish('complete');
      },
      (error) => reading.finish('error', { error }),
    );
  });
}

function isBlob(value: unknown): value is Blob {
  return value instanceof Blob;
}
