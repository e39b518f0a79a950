import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Step } from './programs.ts';

function writeHead(res: ServerResponse, { form, status, headers }: Step & { do: 'writeHead' }) {
  const [object, flat] = [Object.fromEntries(headers), headers.flat()];
  const call = (...args: unknown[]): unknown =>
    (res.writeHead as (...args: unknown[]) => unknown).apply(res, args);
  switch (form) {
    case 'status':
      return call(status);
    case 'object':
      return call(status, object);
    case 'reason':
      return call(status, 'Fine');
    case 'reason and object':
      return call(status, 'Fine', object);
    case 'nothing and object':
      return call(status, undefined, object);
    case 'two objects':
      return call(status, { 'X-First': '1' }, object);
    case 'flat list':
      return call(status, flat);
    case 'odd list':
      return call(status, [...flat, 'X-Odd']);
    case 'pairs':
      return call(
        status,
        headers.map((pair) => [...pair]),
      );
  }
}

/** All that a client, or the handler itself, can tell of one exchange. */
export interface Seen {
  wire: string;
  returned: string[];
  later: string[];
}

/** Runs one program on a response and notes what it can tell. */
export async function run(
  program: readonly Step[],
  res: ServerResponse,
  seen: Seen,
  leave: () => void,
): Promise<void> {
  let isOver = false;
  const over = closed(res).then(() => {
    isOver = true;
  });
  const note = (work: () => unknown): void => {
    let result: string;
    try {
      const value = work();
      result = value === res ? 'res' : String(value);
    } catch (error) {
      result = `threw ${codeOf(error)}`;
    }
    seen.returned.push(`${result} ${res.headersSent} ${res.writableEnded}`);
  };
  for (const event of ['finish', 'close', 'error', 'drain', 'pipe', 'unpipe']) {
    res.on(event, (error?: unknown) => seen.later.push(`${event} ${codeOf(error)}`));
  }
  for (const [at, step] of program.entries()) {
    switch (step.do) {
      case 'setHeader':
        note(() => res.setHeader(step.name, step.value));
        break;
      case 'removeHeader':
        note(() => res.removeHeader('x-mine'));
        break;
      case 'writeHead':
        note(() => writeHead(res, step));
        break;
      case 'write':
      case 'end':
        note(() => writeBody(res, step, (error) => seen.later.push(`${at} ${codeOf(error)}`)));
        break;
      case 'flushHeaders':
        note(() => res.flushHeaders());
        break;
      case 'earlyHints':
        note(() => res.writeEarlyHints({ link: '</a.css>; rel=preload' }));
        break;
      case 'destroy':
        note(() => res.destroy());
        break;
      case 'turn':
        await turn();
        break;
      case 'leave':
        leave();
        await over;
        break;
      case 'cork':
        note(() => res.cork());
        // Nothing passes until then.
        setImmediate(() => res.uncork());
        break;
      case 'trailers':
        note(() => res.addTrailers({ 'X-Trailer': 'last' }));
        break;
      case 'flush':
        note(() => (res as { flush?(): unknown }).flush?.());
        break;
      case 'pipe':
        if (!res.headersSent && !res.destroyed && !isOver) {
          note(() => Readable.from([Buffer.from(step.data), Buffer.from('!')]).pipe(res));
          await over;
        }
        break;
      case 'send':
      case 'json':
        note(() => {
          const answer = res as unknown as {
            send?(data: string): unknown;
            json?(data: object): unknown;
          };
          if (step.do === 'json' && answer.json) return answer.json({ content: step.data });
          return answer.send ? answer.send(step.data) : res.end(step.data);
        });
        break;
      case 'throw':
        throw new Error('of the app');
    }
  }
  if (!res.writableEnded && !res.destroyed) note(() => res.end('.'));
}

function writeBody(
  res: ServerResponse,
  step: Step & { do: 'write' | 'end' },
  onDone: (error?: unknown) => void,
): unknown {
  const bytes = Buffer.from(step.data);
  const chunk = {
    // Node itself aborts on a string that is no hex.
    string: step.encoding === 'hex' ? bytes.toString('hex') : step.data,
    buffer: bytes,
    bytes: new Uint8Array(bytes),
    nothing: undefined,
    number: 42,
    null: null,
  }[step.as];
  const done = (error?: unknown): void => {
    if (step.reuse && chunk instanceof Uint8Array) chunk.fill(122);
    onDone(error);
  };
  const args: unknown[] = step.as === 'nothing' && step.do === 'end' ? [] : [chunk];
  if (step.encoding !== undefined && args.length > 0) args.push(step.encoding);
  if (step.callback) args.push(done);
  return (res[step.do] as (...args: unknown[]) => unknown).apply(res, args);
}

/** Unlike `once`, not to be rejected by an 'error' before. */
export function closed(res: ServerResponse): Promise<void> {
  // HTTP/2's response does not tell of a HEAD that was cancelled before its head.
  const { stream } = res as { stream?: EventEmitter };
  return new Promise((resolve) => {
    (stream ?? res).once('close', resolve);
  });
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return String((error as { code?: unknown }).code ?? error.message);
}
