import { runInScope } from '../../capture/context.ts';
import type { CallResult } from '../../capture/extracted.ts';
import { type BytesAbout, PassedBytes } from '../../capture/passed-bytes.ts';
import type { Outcome } from '../../types.ts';
import type { OpenCall } from '../call.ts';
import { Left } from './left.ts';

/** Items kept of one stream. */
const MAX_ITEMS = 50_000;
/** Calls that wait for the end of one stream at most. */
const MAX_CALLS = 1_000;

interface End {
  outcome: Outcome;
  result: CallResult & { error?: unknown };
}

/** One reading of a generator or stream: its items so far, and its end. Nothing of it throws. */
export class Reading {
  readonly scope: OpenCall['scope'];
  readonly #about: BytesAbout | undefined;
  readonly #left: Left = new Left();
  #calls: OpenCall[];
  #end: End | undefined;
  #hasBegun = false;
  /** The last item, while bytes come in a row. */
  #bytes: PassedBytes | undefined;

  /** @param handle its reader's object: once that is garbage, nobody can read on */
  constructor(call: OpenCall, handle: object, about?: BytesAbout) {
    this.scope = call.scope;
    this.#calls = [call];
    this.#about = about;
    this.#left.watch(handle);
    this.#left.add(call);
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  /** One more call has handed out the same stream. */
  join(call: OpenCall): void {
    if (this.#end !== undefined) call.end(this.#end.outcome, this.#end.result);
    else if (this.#calls.length < MAX_CALLS) {
      this.#calls.push(call);
      this.#left.add(call);
    } else call.end('complete', {});
  }

  /** Runs what is the source's code, so that what it logs is a step of the call. */
  inScope<R>(work: () => R): R {
    return this.#end === undefined ? runInScope(this.scope, work) : work();
  }

  /** So far. */
  get items(): readonly unknown[] {
    return this.#left.items;
  }

  /** Bytes are copied now, since their owner may overwrite them. */
  note(item: unknown): void {
    if (!this.#begins()) return;
    if (ArrayBuffer.isView(item)) this.#append(asBytes(item));
    else if (item instanceof ArrayBuffer) this.#append(new Uint8Array(item));
    else if (this.#bytes && typeof item === 'string') this.#bytes.append(item);
    else this.#push(item);
  }

  /** A text that is cut anywhere, as bytes are. */
  noteText(text: string): void {
    if (this.#begins()) this.#append(text);
  }

  /** @param result in place of the items */
  finish(outcome: Outcome, result: CallResult & { error?: unknown } = {}): void {
    if (this.#end !== undefined) return;
    const contents = 'output' in result || 'items' in result ? {} : { items: this.#left.items };
    this.#end = { outcome, result: { ...contents, ...result } };
    this.#bytes = undefined;
    this.#left.letGo();
    for (const call of this.#calls.splice(0)) call.end(outcome, this.#end.result);
  }

  #begins(): boolean {
    if (this.#end !== undefined) return false;
    this.#left.touch();
    if (!this.#hasBegun) for (const call of this.#calls) call.firstItem();
    this.#hasBegun = true;
    return true;
  }

  #append(chunk: string | Uint8Array): void {
    if (this.#bytes === undefined) {
      const bytes = new PassedBytes(this.scope.task.formats, this.#about);
      if (this.#push(bytes)) this.#bytes = bytes;
    }
    this.#bytes?.append(chunk);
  }

  #push(item: unknown): boolean {
    const { items } = this.#left;
    this.#bytes = undefined;
    if (items.length >= MAX_ITEMS) return false;
    items.push(item);
    return true;
  }
}

function asBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
