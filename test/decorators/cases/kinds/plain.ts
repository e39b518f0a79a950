import { all, collect, failed, type Kind, left, PIECES, type Trace, unread } from './kind.ts';

const whole = PIECES.join('');

class Lazy implements PromiseLike<string> {
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  then<A, B>(
    done?: ((value: string) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#trace.pull();
    return Promise.resolve(whole).then(done, failed) as Promise<A | B>;
  }
}

class Own<T> extends Promise<T> {}

async function answer(trace: Trace): Promise<string> {
  trace.pull();
  await null;
  if (trace.failure) trace.pull();
  return whole;
}

const promised = {
  awaited: { read: (made: PromiseLike<string>) => made, recorded: all },
  chained: {
    read: (made: PromiseLike<string>) => made.then((value) => value.length),
    recorded: all,
  },
};
const rejected = {
  fails: true,
  read: (made: PromiseLike<string>) => made,
  recorded: { outcome: 'error' as const, output: '' },
};

export const value: Kind<string> = {
  make: () => whole,
  ways: { used: { read: (made) => made, recorded: all } },
};

export const promise: Kind<Promise<string>> = {
  isKept: false,
  make: answer,
  ways: { ...promised, rejected },
};

export const promiseSubclass: Kind<Promise<string>> = {
  make: (trace) => Own.resolve(null).then(() => answer(trace)),
  ways: { ...promised, rejected },
};

export const thenable: Kind<PromiseLike<string>> = {
  make: (trace) => new Lazy(trace),
  ways: { 'not at all': { read: () => {}, recorded: undefined }, ...promised },
};

export const generator: Kind<Generator<string>> = {
  *make(trace) {
    try {
      for (let piece = trace.pull(); piece !== undefined; piece = trace.pull()) yield piece;
    } finally {
      trace.left('finally');
    }
  },
  ways: {
    'not at all': { read: () => {}, recorded: undefined },
    once: { read: (made) => made.next(), recorded: undefined },
    whole: { read: (made) => [...made], recorded: all },
    'until it leaves': {
      recorded: left,
      read(made) {
        for (const piece of made) return piece;
        return undefined;
      },
    },
    'whole, and it fails': { fails: true, read: (made) => [...made], recorded: failed },
  },
};

export const asyncGenerator: Kind<AsyncGenerator<string>> = {
  async *make(trace) {
    try {
      for (let piece = trace.pull(); piece !== undefined; piece = trace.pull()) yield piece;
    } finally {
      trace.left('finally');
    }
  },
  ways: {
    'not at all': { read: () => {}, recorded: undefined },
    once: { read: (made) => made.next(), recorded: undefined },
    whole: { read: collect, recorded: all },
    'left at once': { read: (made) => made.return('bye'), recorded: unread },
    'until it leaves': {
      recorded: left,
      async read(made) {
        for await (const piece of made) return piece;
        return undefined;
      },
    },
    'until an error is thrown in': {
      recorded: left,
      async read(made) {
        await made.next();
        await made.throw(new Error('in'));
      },
    },
    'whole, and it fails': { fails: true, read: collect, recorded: failed },
  },
};

export const asyncIterable: Kind<AsyncIterable<string> & { own: number }> = {
  make: (trace) => ({ own: 1, [Symbol.asyncIterator]: () => asyncGenerator.make(trace) }),
  ways: {
    'not at all': { read: () => {}, recorded: undefined },
    whole: { read: collect, recorded: all },
    'until it leaves': {
      recorded: left,
      async read(made) {
        for await (const piece of made) return piece;
        return undefined;
      },
    },
    'whole, and it fails': { fails: true, read: collect, recorded: failed },
  },
};
