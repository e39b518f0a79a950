import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BatchDelivery } from '../../src/delivery/delivery.ts';
import type { Exporter, QueuedEvent, QueuedFlag } from '../../src/delivery/exporter.ts';
import { isBalanced } from '../../src/delivery/ledger.ts';
import { type DropInfo, Observers } from '../../src/delivery/observers.ts';
import { GuardedLogger } from '../../src/internal/logger.ts';
import { resolveDelivery } from '../../src/options.ts';
import { SILENT } from '../helpers/ledger.ts';
import { DiskView, FAILING_CALLS, type Fault, type FileCall, MemoryDisk } from './failing-disk.ts';
import { MODEL_RUNS, TIMEOUT_MS, untilTimeIsUp } from './runs.ts';

beforeAll(async () => {
  await import('p-queue');
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A server that is up or down, and knows a task by its id. */
class Server implements Exporter {
  isUp = true;
  readonly stored = new Set<string>();
  readonly flags: string[] = [];
  onAsked: () => void = () => {};

  async export(batch: readonly QueuedEvent[]): Promise<{ ok: true }[]> {
    this.onAsked();
    if (!this.isUp) throw new Error('down');
    for (const { json } of batch) this.stored.add(JSON.parse(json).task_id);
    return batch.map(() => ({ ok: true }));
  }

  async flag({ taskId }: QueuedFlag): Promise<void> {
    this.onAsked();
    if (!this.isUp) throw new Error('down');
    this.flags.push(taskId);
  }
}

/** One process's delivery, whose hooks look at the ledger, and log and flag on their own. */
class Host {
  readonly view: DiskView;
  readonly delivery: BatchDelivery;
  readonly problems: string[] = [];
  readonly dropped: DropInfo[] = [];
  readonly accepted: string[] = [];
  readonly logged: string[] = [];
  readonly flagged: string[] = [];
  readonly #name: string;
  #meddling = 0;

  constructor(disk: MemoryDisk, server: Server, name: string, settings: Settings) {
    this.#name = name;
    this.view = disk.view();
    const { maxQueueBytes, maxBytes, meddles } = settings;
    this.#meddling = meddles;
    const resolved = resolveDelivery({ maxQueueBytes, maxBatchEvents: 10 }, { dir: '/spool' });
    const observers = new Observers(
      {
        onDrop: (info) => {
          // Promises of a process that is dead go on here.
          if (this.view.isDead) return;
          this.dropped.push(info);
          this.#hook('onDrop');
        },
        onError: () => this.#hook('onError'),
        onAccepted: (id) => {
          this.accepted.push(id);
          this.#hook('onAccepted');
        },
        onDelivered: () => this.#hook('onDelivered'),
      },
      new GuardedLogger(SILENT, 'silent'),
    );
    const spool = resolved.spool && { ...resolved.spool, maxBytes, files: this.view.files };
    this.delivery = new BatchDelivery({ ...resolved, spool }, server, observers, {
      shorten: () => undefined,
    });
  }

  log(size: number): void {
    const taskId = `${this.#name}${this.logged.length}`;
    this.logged.push(taskId);
    const json = JSON.stringify({ task_id: taskId, text: 'x'.repeat(size) });
    const epoch = this.delivery.settled();
    const settledAt = performance.now();
    this.#guarded(() =>
      this.delivery.accept({ taskId, json, bytes: json.length, settledAt, epoch }),
    );
  }

  flag(pick: number): void {
    const taskId = this.logged[pick % Math.max(1, this.logged.length)] ?? 'task of another';
    this.flagged.push(taskId);
    this.#guarded(() =>
      this.delivery.flag({ taskId, flag: 'success', source: 'user', notes: `${pick}` }),
    );
  }

  look(where: string): void {
    const ledger = this.delivery.stats();
    if (!isBalanced(ledger)) this.problems.push(`${where}: ${JSON.stringify(ledger)}`);
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.problems.push(`threw into the app: ${String(error)}`);
    }
  }

  #hook(name: string): void {
    if (this.view.isDead) return;
    this.look(name);
    if (this.#meddling <= 0) return;
    this.#meddling -= 1;
    if (this.#meddling % 4 === 0) this.log(3_000);
    else if (this.#meddling % 4 === 1) this.flag(this.#meddling);
    else if (this.#meddling % 4 === 2) void this.delivery.flush({ timeoutMs: 1_000 });
    this.look(`${name}, after it did something`);
  }
}

interface Settings {
  maxQueueBytes: number;
  maxBytes: number;
  /** How often a hook does something itself. */
  meddles: number;
}

type Step =
  | { do: 'log'; count: number; size: number }
  | { do: 'flag'; pick: number }
  | { do: 'wait'; ms: number }
  | { do: 'flush' }
  | { do: 'server'; isUp: boolean }
  | { do: 'disk'; calls: readonly FileCall[]; every: number; fault: Fault }
  | { do: 'disk is'; state: 'full' | 'read-only' | 'well' }
  | { do: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('log' as const),
      count: fc.integer({ min: 1, max: 20 }),
      size: fc.nat(8_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flag' as const), pick: fc.nat(100) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 500, 5_000, 31_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'flush' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('server' as const), isUp: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('disk' as const),
      calls: fc.uniqueArray(fc.constantFrom(...FAILING_CALLS), { minLength: 1 }),
      every: fc.integer({ min: 1, max: 4 }),
      fault: fc.record({
        code: fc.constantFrom('ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMFILE'),
        writes: fc.constantFrom('nothing' as const, 'half' as const, 'all' as const),
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('disk is' as const),
      state: fc.constantFrom('full' as const, 'read-only' as const, 'well' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
);

const settings: fc.Arbitrary<Settings> = fc.record({
  maxQueueBytes: fc.constantFrom(20_000, 32 * 1024 * 1024),
  maxBytes: fc.constantFrom(300_000, 256 * 1024 * 1024),
  meddles: fc.constantFrom(0, 30),
});

function faultOf(state: 'full' | 'read-only' | 'well', call: FileCall): Fault | undefined {
  if (state === 'well') return undefined;
  return state === 'full' ? DiskView.full(call) : DiskView.readOnly(call);
}

describe('delivery over a disk that fails', () => {
  it(
    'keeps the ledger at any instant, throws nothing into the app, and loses nothing but what it tells of',
    async () => {
      const property = untilTimeIsUp(async (given: Settings, steps: Step[]) => {
        const disk = new MemoryDisk();
        const server = new Server();
        let host = new Host(disk, server, 'a', given);
        const hosts = [host];
        server.onAsked = () => host.look('while asked');
        let hasFailed = false;
        for (const one of steps) {
          if (one.do === 'log') for (let n = 0; n < one.count; n++) host.log(one.size);
          else if (one.do === 'flag') host.flag(one.pick);
          else if (one.do === 'wait') await vi.advanceTimersByTimeAsync(one.ms);
          else if (one.do === 'flush') void host.delivery.flush({ timeoutMs: 100 });
          else if (one.do === 'server') server.isUp = one.isUp;
          else if (one.do === 'disk is') {
            hasFailed ||= one.state !== 'well';
            host.view.faultOf = (call) => faultOf(one.state, call);
          } else if (one.do === 'disk') {
            hasFailed = true;
            host.view.faultOf = (call, _, count) =>
              one.calls.includes(call) && count % one.every === 0 ? one.fault : undefined;
          } else if (!hasFailed) {
            // What a disk that fails has not taken is in memory alone, and goes with the process.
            host.view.die(true);
            vi.clearAllTimers();
            host = new Host(disk, server, String.fromCharCode(97 + hosts.length), given);
            hosts.push(host);
          }
          host.look(`after ${one.do}`);
        }
        host.view.faultOf = () => undefined;
        server.isUp = true;
        for (let round = 0; round < 40; round++) {
          await vi.advanceTimersByTimeAsync(10_000);
          const { events, flags } = host.delivery.stats();
          const waiting = events.queued + events.inFlight + events.spooled;
          if (waiting + flags.held + flags.queued + flags.inFlight === 0 && round > 8) break;
        }
        const flushing = host.delivery.flush({ timeoutMs: 3_000 });
        await vi.advanceTimersByTimeAsync(0);
        const { events, flags } = await flushing;
        expect(hosts.flatMap(({ problems }) => problems)).toEqual([]);
        expect(events).toMatchObject({ pending: 0, queued: 0, inFlight: 0, spooled: 0 });
        expect(flags).toMatchObject({ held: 0, queued: 0, inFlight: 0, spooled: 0 });

        const told = hosts.flatMap(({ dropped }) => dropped).filter(({ kind }) => kind === 'event');
        const reasons = new Set(told.map(({ reason }) => reason));
        if (given.maxBytes > 1_000_000) reasons.delete('queue_full');
        else reasons.delete('spool_full');
        // Half of a record that was being written when its process died, or the disk failed.
        reasons.delete('corrupt');
        if (hasFailed && given.maxQueueBytes < 1_000_000) reasons.delete('queue_full');
        expect([...reasons]).toEqual([]);
        const lost = new Set(told.flatMap(({ taskIds }) => taskIds));
        // The ids of those that the disk would not show are not known, but how many there were.
        const nameless = told
          .filter(({ reason }) => reason === 'spool_full')
          .reduce((sum, { count, taskIds }) => sum + count - taskIds.length, 0);
        const missing = hosts
          .flatMap(({ logged }) => logged)
          .filter((id) => !server.stored.has(id) && !lost.has(id));
        if (nameless === 0) expect(missing).toEqual([]);
        expect(missing.length).toBeLessThanOrEqual(nameless);
        for (const each of hosts) expect(each.accepted).toHaveLength(each.logged.length);
        const done = host.delivery.shutdown({ timeoutMs: 100 });
        await vi.advanceTimersByTimeAsync(2_000);
        expect(isBalanced(await done)).toBe(true);
        // An empty directory that could not be removed is left to the next process.
        expect([...disk.files().keys()]).toEqual([]);
        vi.clearAllTimers();
      });
      await fc.assert(
        fc.asyncProperty(settings, fc.array(step, { minLength: 3, maxLength: 40 }), property),
        MODEL_RUNS,
      );
    },
    TIMEOUT_MS,
  );
});
