import { describe, expect, it } from 'vitest';
import { record } from '../recording.ts';
import { KINDS } from './kinds/index.ts';
import { type Kind, settled, Trace, type Way } from './kinds/kind.ts';
import type { Subjects } from './subjects.ts';

/** A method that hands out what it is given. */
export interface Handing {
  hand<T>(make: (label: string) => T): T;
}

/** What can be seen of a result and its reading from outside. */
async function seen(
  { hand }: Pick<Handing, 'hand'>,
  kind: Kind<unknown>,
  way: Way<unknown>,
): Promise<{ isKept: boolean; [about: string]: unknown }> {
  const failure = way.fails ? new Error('the source') : undefined;
  const trace = new Trace(failure);
  const labels: string[] = [];
  let made: unknown;
  const given = hand((label) => {
    labels.push(label);
    made = kind.make(trace);
    return made;
  });
  const about = describeResult(given);
  let answer: unknown;
  let thrown: unknown = 'nothing';
  try {
    answer = await way.read(given, trace);
  } catch (error) {
    thrown = error === failure ? 'the very error of the source' : [String(error)];
  }
  await settled();
  return {
    ...about,
    runs: labels.length,
    isKept: given === made,
    answer,
    thrown,
    log: trace.log,
    isLocked: given instanceof ReadableStream && given.locked,
  };
}

function describeResult(given: unknown): object {
  if (typeof given !== 'object' || given === null) return { type: typeof given };
  return {
    tag: Object.prototype.toString.call(given),
    // Generators have a prototype each.
    class: (given as object).constructor?.name,
    keys: Object.keys(given),
    isExtensible: Object.isExtensible(given),
  };
}

/** @param extra places that only one dialect has */
export function describeKinds(
  { Source, Heir, BareSource }: Subjects,
  extra: { [place: string]: () => Handing } = {},
): void {
  const places: { [place: string]: () => Handing } = {
    instance: () => new Source(),
    static: () => Source as unknown as Handing,
    inherited: () => new Heir(),
    ...extra,
  };
  const ways = Object.entries(KINDS).flatMap(([name, kind]) =>
    Object.entries(kind.ways).map(([how, way]) => ({ name, kind, how, way })),
  );
  describe.each(Object.keys(places))('what a decorated %s method gives', (place) => {
    it.each(ways)('$name, read $how', async ({ kind, way }) => {
      const bare = new BareSource();
      const expected = await seen({ hand: (make) => bare.hand(make) }, kind, way);
      const recording = record();
      const decorated = places[place]!();
      const found = await seen({ hand: (make) => decorated.hand(make) }, kind, way);
      expect(found).toEqual({ ...expected, isKept: expected.isKept && kind.isKept !== false });
      const recorded = (await recording.events()).map(({ output, metadata }) => ({
        outcome: metadata?.outcome,
        output: output ?? '',
      }));
      expect(recorded).toEqual(way.recorded ? [way.recorded] : []);
    });
  });
}
