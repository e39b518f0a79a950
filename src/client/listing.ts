/** A method's parameter is bivariant: `(error: Error) => …` fits here, as it fits a Promise's `catch`. */
type OnRejected<A> = { method(reason: unknown): A | PromiseLike<A> }['method'];

/**
 * A list that the server has: await it for an array, or iterate over it. One request is sent, at the first
 * use of either; a list that is never used sends none.
 *
 * @example
 * ```ts
 * import { Client } from 'phospho-express/client';
 *
 * const client = new Client();
 * const tasks = await client.tasks.list({ limit: 10 });
 * console.log(tasks.length);
 * for await (const session of client.sessions.list()) console.log(session.id);
 * ```
 */
export class Listing<T> implements Promise<T[]>, AsyncIterable<T> {
  readonly #load: () => Promise<T[]>;
  #items: Promise<T[]> | undefined;

  /** @internal */
  constructor(load: () => Promise<T[]>) {
    this.#load = load;
  }

  get [Symbol.toStringTag](): string {
    return 'Listing';
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaited is what it is for.
  then<A = T[], B = never>(
    onFulfilled?: ((items: T[]) => A | PromiseLike<A>) | null,
    onRejected?: OnRejected<B> | null,
  ): Promise<A | B> {
    return this.#loaded().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: OnRejected<B> | null): Promise<T[] | B> {
    return this.#loaded().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T[]> {
    return this.#loaded().finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.#loaded();
  }

  #loaded(): Promise<T[]> {
    this.#items ??= this.#load();
    return this.#items;
  }
}
