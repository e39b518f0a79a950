import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Spool, type SpoolRef, type SpoolSync } from '../../src/delivery/spool/spool.ts';
import {
  type DiskView,
  FAILING_CALLS,
  type Fault,
  type FileCall,
  MemoryDisk,
} from './failing-disk.ts';
import { MODEL_RUNS, TIMEOUT_MS, untilTimeIsUp } from './runs.ts';

const BASE = '/spool';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** What has become of a record, as the app knows it. */
type Fate =
  /** Its place was returned, and it has not ended: it must be found after a crash. */
  | 'open'
  /** It may be on disk or not: the disk failed while it was written, or while its end was. */
  | 'either'
  /** It has ended, and that was written down: it must not be found again. */
  | 'over';

interface Known {
  readonly origin: number;
  fate: Fate;
  isDamaged: boolean;
}

/** All processes there have been, the disk they share, and what they know. */
class World {
  readonly disk = new MemoryDisk();
  readonly sync: SpoolSync;
  readonly records = new Map<string, Known>();
  readonly live = new Map<number, Process>();
  #started = 0;
  /** Records that were told of as damaged or lost. */
  reported = 0;
  /** What was seen in callbacks, where an assertion would go unheard. */
  readonly problems: string[] = [];

  constructor(sync: SpoolSync) {
    this.sync = sync;
  }

  /** The process in a place; a new one where there is none, or where it died. */
  process(place: number): Process {
    const known = this.live.get(place);
    if (known && !known.view.isDead) return known;
    if (known) this.#bury(known, true);
    const started = new Process(this, this.#started++);
    this.live.set(place, started);
    return started;
  }

  crash(place: number, isSeen: boolean): void {
    const known = this.live.get(place);
    if (known) this.#bury(known, isSeen);
    this.live.delete(place);
  }

  losePower(): void {
    for (const place of [...this.live.keys()]) this.crash(place, false);
    this.disk.losePower();
    // That they ended may not have reached the disk.
    for (const record of this.records.values()) {
      if (record.fate === 'over') record.fate = 'either';
    }
  }

  #bury(process: Process, isSeen: boolean): void {
    process.view.die(isSeen);
  }
}

class Process {
  readonly view: DiskView;
  readonly spool: Spool;
  readonly number: number;
  readonly #world: World;
  /** What it holds in memory and has not ended. */
  readonly memory = new Map<string, SpoolRef>();
  /** Ended, not known to be written. */
  readonly ended = new Set<string>();
  readonly events: string[] = [];
  readonly faultsTold: unknown[] = [];
  #appended = 0;
  /** Events on disk alone, as the spool has told. */
  unread = 0;

  constructor(world: World, number: number) {
    this.#world = world;
    this.number = number;
    this.view = world.disk.view();
    const settings = { dir: BASE, sync: world.sync, maxBytes: 1_000_000, maxAgeMs: 86_400_000 };
    this.spool = new Spool(
      { ...settings, files: this.view.files },
      {
        epoch: () => 0,
        onFound: ({ events, damaged }) => {
          this.unread += events.length;
          this.#world.reported += damaged;
        },
        onFlags: (flags) => {
          for (const { ref, json } of flags) this.#take(JSON.parse(json).taskId, ref);
        },
        onLost: (_, epochs) => {
          this.unread -= epochs.length;
          this.#world.reported += epochs.length;
        },
        onReadable: () => {},
        onFault: (error) => void this.faultsTold.push(error),
        onRecovered: () => {},
      },
    );
    this.spool.start();
  }

  append(kind: 'event' | 'flag', size: number, leaves: boolean): void {
    const id = `${kind}-${this.number}-${this.#appended++}`;
    const key = kind === 'event' ? 'task_id' : 'taskId';
    const json = JSON.stringify({ [key]: id, text: 'x'.repeat(size) });
    const isBehind = this.spool.behind > 0;
    const ref = this.spool.append(kind, Date.now(), json, json.length);
    const fate = ref ? 'open' : 'either';
    this.#world.records.set(id, { origin: this.number, fate, isDamaged: false });
    if (ref === undefined) return;
    if (kind === 'event' && (leaves || isBehind)) {
      this.spool.leaveOnDisk(ref, 0, json.length);
      this.unread += 1;
    } else this.memory.set(id, ref);
  }

  read(count: number): void {
    const events = this.spool.read(count, 10_000_000);
    expect(events.length).toBeLessThanOrEqual(count);
    this.unread -= events.length;
    for (const { ref, json } of events) {
      const id: string = JSON.parse(json).task_id;
      this.events.push(id);
      this.#take(id, ref);
    }
  }

  #take(id: string, ref: SpoolRef): void {
    const { records, live, problems } = this.#world;
    const record = records.get(id);
    if (record === undefined) problems.push(`${id} is not known`);
    if (record?.fate === 'over') problems.push(`${id} was found again`);
    for (const other of live.values()) {
      if (other.memory.has(id) && !other.view.isDead) {
        problems.push(`${id} is held by ${other.number} and ${this.number}`);
      }
    }
    this.memory.set(id, ref);
  }

  end(pick: number): void {
    const ids = [...this.memory.keys()];
    const id = ids[pick % ids.length];
    if (id !== undefined) this.endOne(id);
  }

  endOne(id: string): void {
    const ref = this.memory.get(id);
    const record = this.#world.records.get(id);
    if (ref === undefined || record === undefined) return;
    this.memory.delete(id);
    this.spool.end(ref);
    record.fate = 'either';
    this.ended.add(id);
  }

  settle(): void {
    const faults = this.view.faults.length;
    this.spool.settle();
    if (this.view.faults.length > faults || this.view.isDead) return;
    this.#endsAreWritten();
  }

  #endsAreWritten(): void {
    // One failed write is made up for by the next of the same file alone.
    if (this.view.faults.length > 0) return;
    for (const id of this.ended) {
      const record = this.#world.records.get(id);
      if (record) record.fate = 'over';
    }
    this.ended.clear();
  }

  close(): void {
    const open = this.unread;
    const epochs = this.spool.close();
    if (this.view.faults.length === 0 && !this.view.isDead) expect(epochs).toHaveLength(open);
    this.#endsAreWritten();
  }
}

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    code: fc.constantFrom('ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMFILE'),
    writes: fc.constantFrom('nothing' as const, 'half' as const, 'all' as const),
  }),
  fc.constant('short write' as const),
);

type Step = { place: number } & (
  | { do: 'event'; size: number; leaves: boolean }
  | { do: 'flag'; size: number }
  | { do: 'read'; count: number }
  | { do: 'end'; pick: number; count: number }
  | { do: 'settle' }
  | { do: 'wait'; ms: number }
  | { do: 'crash'; isSeen: boolean }
  | { do: 'close' }
  | { do: 'power' }
  | { do: 'die'; afterCalls: number }
  | { do: 'faults'; calls: readonly FileCall[]; every: number; fault: Fault }
  | { do: 'mend' }
);

const place = fc.nat(1);
const of = <T extends string, R extends object>(
  what: T,
  rest: { [K in keyof R]: fc.Arbitrary<R[K]> },
) => fc.record({ do: fc.constant(what), place, ...rest }) as fc.Arbitrary<never>;

const usual: fc.WeightedArbitrary<Step>[] = [
  { weight: 8, arbitrary: of('event', { size: fc.nat(30_000), leaves: fc.boolean() }) },
  { weight: 3, arbitrary: of('flag', { size: fc.nat(2_000) }) },
  { weight: 3, arbitrary: of('read', { count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 5, arbitrary: of('end', { pick: fc.nat(50), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: of('settle', {}) },
  { weight: 2, arbitrary: of('wait', { ms: fc.constantFrom(0, 1, 500, 10_000, 31_000, 130_000) }) },
];
const ends: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: of('crash', { isSeen: fc.boolean() }) },
  { weight: 1, arbitrary: of('close', {}) },
  { weight: 1, arbitrary: of('die', { afterCalls: fc.integer({ min: 1, max: 40 }) }) },
];
const power: fc.WeightedArbitrary<Step>[] = [{ weight: 2, arbitrary: of('power', {}) }];
const faults: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 2,
    arbitrary: of('faults', {
      calls: fc.uniqueArray(fc.constantFrom(...FAILING_CALLS), { minLength: 1, maxLength: 17 }),
      every: fc.integer({ min: 1, max: 4 }),
      fault,
    }),
  },
  { weight: 2, arbitrary: of('mend', {}) },
];

function steps(...kinds: fc.WeightedArbitrary<Step>[][]): fc.Arbitrary<Step[]> {
  return fc.array(fc.oneof(...kinds.flat()), { minLength: 3, maxLength: 60, size: 'max' });
}

async function play(world: World, all: readonly Step[]): Promise<void> {
  for (const step of all) {
    const process = world.process(step.place);
    if (step.do === 'event') process.append('event', step.size, step.leaves);
    else if (step.do === 'flag') process.append('flag', step.size, false);
    else if (step.do === 'read') process.read(step.count);
    else if (step.do === 'end') for (let n = 0; n < step.count; n++) process.end(step.pick + n);
    else if (step.do === 'settle') process.settle();
    else if (step.do === 'wait') await vi.advanceTimersByTimeAsync(step.ms);
    else if (step.do === 'crash') world.crash(step.place, step.isSeen);
    else if (step.do === 'power') world.losePower();
    else if (step.do === 'die') process.view.diesAt = process.view.calls + step.afterCalls;
    else if (step.do === 'mend') process.view.faultOf = () => undefined;
    else if (step.do === 'faults') {
      process.view.faultOf = (call, _, count) =>
        step.calls.includes(call) && count % step.every === 0 ? step.fault : undefined;
    } else {
      process.close();
      world.crash(step.place, true);
    }
    await Promise.resolve();
  }
}

/** Ends all processes; then one finds, reads and ends all that is left. */
async function drain(world: World): Promise<Process> {
  for (const place of [...world.live.keys()]) world.crash(place, place === 0);
  const last = world.process(9);
  for (let round = 0; round < 80; round++) {
    await vi.advanceTimersByTimeAsync(10_000);
    last.read(1_000);
    for (const id of [...last.memory.keys()]) last.endOne(id);
    last.spool.settle();
    if (world.disk.countBelow(BASE) === 0) break;
  }
  return last;
}

function expectAllFound(world: World, last: Process): void {
  expect(world.problems).toEqual([]);
  const missing = [...world.records].filter(
    ([, { fate, isDamaged }]) => fate === 'open' && !isDamaged,
  );
  expect(missing.map(([id]) => id)).toEqual([]);
  expect(last.unread).toBe(0);
  expect(last.faultsTold).toEqual([]);
  last.spool.close();
  expect([...world.disk.files().keys()]).toEqual([]);
  expect(world.disk.countBelow(BASE)).toBe(0);
  expect(last.view.openFiles).toBe(0);
}

/** Events of one process are read in the order in which they were appended. */
function expectOrder(process: Process): void {
  const latest = new Map<number, number>();
  for (const id of process.events) {
    const [, origin = 0, number = 0] = id.split('-').map(Number);
    expect(number, `${id} in order`).toBeGreaterThan(latest.get(origin) ?? -1);
    latest.set(origin, number);
  }
}

const sync = fc.constantFrom<SpoolSync>('never', 'interval', 'always');

describe('the spool', () => {
  it(
    'finds every record that has not ended once, in order, and none that has, whenever processes end',
    async () => {
      const property = untilTimeIsUp(async (how: SpoolSync, all: Step[]) => {
        const world = new World(how);
        await play(world, all);
        const last = await drain(world);
        expectAllFound(world, last);
        expectOrder(last);
        // A record that was being written when its process died.
        const deaths = all.filter((step) => step.do === 'die').length;
        expect(world.reported).toBeLessThanOrEqual(deaths);
      });
      await fc.assert(fc.asyncProperty(sync, steps(usual, ends), property), MODEL_RUNS);
    },
    TIMEOUT_MS,
  );

  it(
    'throws nothing and loses nothing it has taken, whatever the file system refuses',
    async () => {
      const property = untilTimeIsUp(async (how: SpoolSync, all: Step[]) => {
        const world = new World(how);
        await play(world, all);
        expectAllFound(world, await drain(world));
      });
      await fc.assert(fc.asyncProperty(sync, steps(usual, ends, faults), property), MODEL_RUNS);
    },
    TIMEOUT_MS,
  );

  it(
    'with sync "always" outlasts a loss of power',
    async () => {
      const property = untilTimeIsUp(async (all: Step[]) => {
        const world = new World('always');
        await play(world, all);
        world.losePower();
        expectAllFound(world, await drain(world));
      });
      await fc.assert(fc.asyncProperty(steps(usual, ends, power), property), MODEL_RUNS);
    },
    TIMEOUT_MS,
  );
});
