import { describe, expect, it } from 'vitest';
import { record } from '../../decorators/recording.ts';

/** Called with `new` alone, as all that are made of a class. */
interface Making {
  new (who: string): { who: string; greet(): string };
  (who: string): unknown;
}

function Person(this: { who: string }, who: string): void {
  if (new.target === undefined) throw new TypeError('new is missing');
  this.who = who;
}
Person.prototype.greet = function (this: { who: string }): string {
  return `I am ${this.who}`;
};

class Robot {
  static made = 0;
  readonly #who: string;
  constructor(who: string) {
    this.#who = who;
    Robot.made += 1;
  }
  get who(): string {
    return this.#who;
  }
  greet(): string {
    return `I am ${this.#who}`;
  }
}

describe.each<[string, unknown]>([
  ['function', Person],
  ['class', Robot],
])('a wrapped %s that makes objects', (_what, made) => {
  const original = made as Making;

  it('makes them with `new`, and is recorded', async () => {
    const recording = record();
    const Wrapped = recording.phospho.wrap(original);
    const one = new Wrapped('Ada');
    expect(one.greet()).toBe('I am Ada');
    expect(one).toBeInstanceOf(original);
    expect(one).toBeInstanceOf(Wrapped);
    expect(one.constructor).toBe(original);
    expect(Object.getPrototypeOf(one)).toBe(original.prototype);
    expect(await recording.event()).toMatchObject({
      input: 'Ada',
      metadata: { name: (original as { name: string }).name, outcome: 'complete' },
    });
  });

  it('can be extended, and is refused without `new` as the original is', async () => {
    const recording = record();
    const Wrapped = recording.phospho.wrap(original);
    class Loud extends Wrapped {
      override greet(): string {
        return `${super.greet()}!`;
      }
    }
    const loud = new Loud('Bo');
    expect(loud.greet()).toBe('I am Bo!');
    expect(Object.getPrototypeOf(loud)).toBe(Loud.prototype);
    expect(loud).toBeInstanceOf(original);
    expect(() => Wrapped('Cy')).toThrow(TypeError);
    const outcomes = (await recording.events()).map(({ metadata }) => metadata?.outcome);
    expect(outcomes).toEqual(['complete', 'error']);
  });

  it('makes them where nothing is recorded', () => {
    const { phospho } = record({ enabled: false });
    expect(new (phospho.wrap(original))('Di').greet()).toBe('I am Di');
  });
});

describe('a wrapped function', () => {
  const object = {
    method(a: string): string {
      return a;
    },
  };
  it.each<[string, (a: string) => unknown]>([
    [
      'a function',
      function named(a: string) {
        return a;
      },
    ],
    ['an arrow function', (a) => a],
    ['an async arrow function', async (a) => a],
    ['a method', object.method],
    [
      'a generator function',
      function* list(a: string) {
        yield a;
      },
    ],
    [
      'an async generator function',
      async function* list(a: string) {
        yield a;
      },
    ],
    ['a native function', encodeURIComponent],
  ])('has the own properties of %s, and no other', (_what, fn) => {
    const { phospho } = record();
    const wrapped = phospho.wrap(fn);
    expect(Reflect.ownKeys(wrapped).sort()).toEqual(Reflect.ownKeys(fn).sort());
    expect('prototype' in wrapped).toBe('prototype' in fn);
    const make = (what: unknown) => () => new (what as new (a: string) => object)('x');
    if (fn.name === 'named') expect(make(wrapped)).not.toThrow();
    else expect(make(wrapped)).toThrow(TypeError);
  });

  it('that calls itself has most of the stack, and says how many steps are not shown', async () => {
    const recording = record();
    const { phospho } = recording;
    const dive = phospho.wrap((depth: number): number => (depth === 0 ? 0 : 1 + dive(depth - 1)));
    const list = phospho.wrap(function* (depth: number): Generator<number> {
      if (depth > 0) yield* list(depth - 1);
      yield depth;
    });
    expect(dive(2_000)).toBe(2_000);
    let length = 0;
    for (const _ of list(1_500)) length += 1;
    expect(length).toBe(1_501);
    const events = await recording.events();
    const leftOut = events.map(({ metadata }) => metadata?.steps_left_out as number);
    expect(leftOut[0]).toBeGreaterThan(1_800);
    expect(events.map(({ metadata }) => metadata?.outcome)).toEqual(['complete', 'complete']);
  });
});
