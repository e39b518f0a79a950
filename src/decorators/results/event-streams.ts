import { KNOWN_FORMATS } from '../../capture/extract/index.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { scopeOfListeners } from './node-streams.ts';
import { Reading } from './reading.ts';

type Method = (...args: unknown[]) => unknown;

/** anthropic's MessageStream, openai's ChatCompletionStream, ResponseStream and runners of tools. */
export interface EventStream {
  _emit: Method;
  on: Method;
  readonly ended?: boolean;
  /** The message so far; openai's other streams have none. */
  readonly currentMessage?: unknown;
  readonly currentChatCompletionSnapshot?: unknown;
  finalChatCompletion?: () => PromiseLike<unknown>;
  finalResponse?: () => PromiseLike<unknown>;
  finalMessage?: () => PromiseLike<unknown>;
}

const FINALS = ['finalChatCompletion', 'finalResponse', 'finalMessage'] as const;

export function isEventStream(value: object): value is EventStream {
  const stream = value as { [name: string]: unknown };
  // Asked by `in` first: some proxies have a function under any name.
  if (!('_emit' in stream)) return false;
  if (typeof stream._emit !== 'function' || typeof stream.on !== 'function') return false;
  return FINALS.some((name) => typeof stream[name] === 'function');
}

const readings = new WeakMap<object, Reading>();

/**
 * Records a stream that runs whether or not anybody reads it, by its events. No listener is added and no `final…()`
 * called while it runs: the SDKs tell of an error by a rejection only where neither was.
 */
export function followEventStream(stream: EventStream, call: OpenCall): void {
  const known = readings.get(stream);
  if (known) {
    known.join(call);
    return;
  }
  const reading = new Reading(call, stream);
  if (stream.ended === true) finishEnded(stream, reading);
  else if (!coverEmit(stream, reading, call)) reading.finish('complete', { items: undefined });
  readings.set(stream, reading);
}

function coverEmit(stream: EventStream, reading: Reading, call: OpenCall): boolean {
  const { _emit: emit } = stream;
  const events = new Events(stream, reading);
  const listenersScope = scopeOfListeners(call.scope);
  return cover(stream, '_emit', function (this: unknown, ...args: unknown[]): unknown {
    if (this === stream && !reading.isOver) events.see(args);
    return listenersScope(() => Reflect.apply(emit, this, args));
  });
}

class Events {
  readonly #stream: EventStream;
  readonly #reading: Reading;
  #final: unknown;
  #completions = 0;
  #usage: unknown;

  constructor(stream: EventStream, reading: Reading) {
    this.#stream = stream;
    this.#reading = reading;
  }

  see([event, value]: unknown[]): void {
    try {
      this.#see(event, value);
    } catch {
      // What it emits is the app's, whose getters may throw.
    }
  }

  #see(event: unknown, value: unknown): void {
    // Of the SDKs each emits one of these for each event of the model's.
    if (event === 'chunk' || event === 'event' || event === 'streamEvent')
      this.#reading.note(value);
    else if (event === 'chatCompletion') this.#completions += 1;
    else if (event === 'finalChatCompletion') this.#final = value;
    else if (event === 'finalMessage') this.#final ??= value;
    else if (event === 'totalUsage') this.#usage = value;
    else if (event === 'response.completed' || event === 'response.incomplete') {
      this.#final = (value as { response?: unknown }).response;
    } else if (event === 'end') this.#reading.finish('complete', this.#result());
    else if (event === 'abort') this.#reading.finish('aborted', soFar(this.#stream, this.#reading));
    else if (event === 'error') {
      this.#reading.finish('error', { ...soFar(this.#stream, this.#reading), error: value });
    }
  }

  #result(): { output: unknown } {
    const final = this.#final;
    // A runner of tools asks several times: each answer costs.
    const isSum = this.#completions > 1 && this.#usage !== undefined;
    return { output: isSum ? { ...(final as object), usage: this.#usage } : final };
  }
}

/** What was there when it broke off, in the shape that the whole would have. */
function soFar(stream: EventStream, reading: Reading): { output?: unknown } {
  const message = stream.currentMessage ?? stream.currentChatCompletionSnapshot;
  if (message !== undefined) return { output: message };
  return reading.items.length > 0 ? { output: KNOWN_FORMATS.items(reading.items).raw } : {};
}

/** It is over, and has rejected whatever it had to: to ask for its result changes nothing. */
function finishEnded(stream: EventStream, reading: Reading): void {
  const name = FINALS.find((each) => typeof stream[each] === 'function');
  const final = name && stream[name]?.();
  Promise.resolve(final).then(
    (output) => reading.finish('complete', { output }),
    (error: unknown) => reading.finish('error', { error }),
  );
}
