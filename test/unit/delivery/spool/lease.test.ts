import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Spool, type SpoolRef } from '../../../../src/delivery/spool/spool.ts';
import { type DiskView, MemoryDisk } from '../../../faults/failing-disk.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

/** A spool on the disk, and what it tells. */
function spoolOn(view: DiskView) {
  const told = { found: 0, flags: 0, lost: [] as string[], faults: [] as unknown[] };
  const settings = { dir: '/spool', sync: 'never', maxBytes: 1_000_000, maxAgeMs: 1e9 } as const;
  const spool = new Spool(
    { ...settings, files: view.files },
    {
      epoch: () => 0,
      onFound: ({ events }) => {
        told.found += events.length;
      },
      onFlags: (flags) => {
        told.flags += flags.length;
      },
      onLost: (reason, epochs) => told.lost.push(...epochs.map(() => reason)),
      onReadable: () => {},
      onFault: (error) => told.faults.push(error),
      onRecovered: () => {},
    },
  );
  spool.start();
  return { spool, told };
}

function append(spool: Spool, id: string): SpoolRef {
  const json = JSON.stringify({ task_id: id });
  const ref = spool.append('event', Date.now(), json, json.length);
  if (ref === undefined) throw new Error('refused');
  return ref;
}

/** From here on its owner gives no sign of life, as if it had been stopped. */
function stall(view: DiskView): void {
  view.faultOf = (call) => (call === 'utimesSync' ? { code: 'EIO' } : undefined);
}

describe('a directory whose owner cannot be told to have ended', () => {
  it("stays the owner's as long as it gives signs of life", async () => {
    const disk = new MemoryDisk();
    const owner = spoolOn(disk.view());
    append(owner.spool, 'a');
    const other = spoolOn(disk.view());
    await vi.advanceTimersByTimeAsync(600_000);
    expect(other.told.found).toBe(0);
  });

  it('is taken over after a minute without one, not before; the owner finds out and tells what it lost', async () => {
    const disk = new MemoryDisk();
    const view = disk.view();
    const owner = spoolOn(view);
    const ref = append(owner.spool, 'a');
    owner.spool.leaveOnDisk(ref, 0, JSON.stringify({ task_id: 'a' }).length);
    const other = spoolOn(disk.view());
    await vi.advanceTimersByTimeAsync(20_000);
    stall(view);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(other.told.found).toBe(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(other.told.found).toBe(1);

    view.faultOf = () => undefined;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(owner.told.lost).toEqual(['adopted']);
    expect(owner.spool.behind).toBe(0);
    // What it appends now goes to a directory of its own.
    append(owner.spool, 'b');
    expect(disk.find('/spool')).toMatchObject({ names: { size: 2 } });
  });

  it('is looked through once more a minute after, for what its owner has added meanwhile', async () => {
    const disk = new MemoryDisk();
    const view = disk.view();
    const owner = spoolOn(view);
    append(owner.spool, 'a');
    const other = spoolOn(disk.view());
    stall(view);
    await vi.advanceTimersByTimeAsync(80_000);
    expect(other.told.found).toBe(1);
    append(owner.spool, 'b');
    await vi.advanceTimersByTimeAsync(80_000);
    expect(other.told.found).toBe(2);
  });

  it('is taken over by one of several, and found once', async () => {
    const disk = new MemoryDisk();
    const view = disk.view();
    const owner = spoolOn(view);
    for (const id of ['a', 'b', 'c']) append(owner.spool, id);
    view.die(false);
    const others = [1, 2, 3].map(() => spoolOn(disk.view()));
    await vi.advanceTimersByTimeAsync(300_000);
    expect(others.map(({ told }) => told.found).sort()).toEqual([0, 0, 3]);
    expect(others.flatMap(({ told }) => told.faults)).toEqual([]);
  });
});

describe('a directory whose owner has ended, and others can tell', () => {
  it('is taken over at the first look, whatever its owner was doing when it ended', async () => {
    for (let call = 1; call < 40; call++) {
      const disk = new MemoryDisk();
      const dead = disk.view();
      append(spoolOn(dead).spool, 'a');
      dead.die(true);
      const dying = disk.view();
      dying.diesAt = call;
      const second = spoolOn(dying);
      await vi.advanceTimersByTimeAsync(1);
      const added = second.spool.append('event', Date.now(), '{"task_id":"b"}', 15);
      dying.die(true);
      const last = spoolOn(disk.view());
      for (let look = 0; look < 2; look++) {
        await vi.advanceTimersByTimeAsync(1_000);
        // Another directory is taken over once the last one is done.
        for (const { ref } of last.spool.read(10, 1_000_000)) last.spool.end(ref);
      }
      expect(last.told.found, `died at call ${call}`).toBeGreaterThanOrEqual(added ? 2 : 1);
    }
  });
});
