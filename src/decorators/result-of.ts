/** Any function. The looseness is needed: parameters of a callback are typed by it, and contravariant. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would make every hook's parameters unusable
export type AnyFunction = (...args: any[]) => any;

/**
 * What a call gives in the end: the resolved value of a promise, the list of a generator's or stream's items, the final
 * message of the SDKs' event streams; of an Observable its value, or the list of its values where there is not exactly
 * one. Bytes in a row are one item, a string: the text of the answer in them. A Response is the list of its body's
 * items.
 */
export type ResultOf<F extends AnyFunction> = Settled<Awaited<ReturnType<F>>>;

type Settled<R> = R extends { finalChatCompletion(): PromiseLike<infer Final> }
  ? Final
  : R extends { finalResponse(): PromiseLike<infer Final> }
    ? Final
    : R extends { finalMessage(): PromiseLike<infer Final> }
      ? Final
      : R extends { readonly bodyUsed: boolean; text(): PromiseLike<string> }
        ? string[]
        : R extends Generator<infer Item> | AsyncIterable<infer Item>
          ? Noted<Item>[]
          : R extends { getReader(): { read(): PromiseLike<infer Step> } }
            ? Noted<Exclude<ValueIn<Step>, undefined>>[]
            : R extends ObservableOf<infer Value>
              ? Value | Value[]
              : R;

type ValueIn<Step> = Step extends { value?: infer Value } ? Value : never;

/** How an item comes to a hook. */
type Noted<Item> = Item extends ArrayBufferView | ArrayBuffer ? string : Item;

/** As much of rxjs' Observable as tells it from other objects. */
interface ObservableOf<Value> {
  lift: unknown;
  subscribe(next: (value: Value) => void): unknown;
}
