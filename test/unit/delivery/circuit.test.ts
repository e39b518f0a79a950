import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Circuit } from '../../../src/delivery/circuit.ts';
import { PhosphoServerError } from '../../../src/errors.ts';

const failure = new Error('down');
const asking = (retryAfterMs: number) =>
  new PhosphoServerError('busy', { method: 'POST', path: '/log/p', status: 503, retryAfterMs });

beforeEach(() => {
  vi.useFakeTimers();
  // Half of each ceiling.
  vi.spyOn(Math, 'random').mockReturnValue(1 / 3);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('Circuit', () => {
  it('lets everything pass until the first failure, then nothing, then one probe', () => {
    const onProbeDue = vi.fn();
    const circuit = new Circuit(onProbeDue);
    expect(circuit.slots(2)).toBe(2);
    circuit.fail(failure, circuit.era);
    expect(circuit.slots(2)).toBe(0);
    vi.advanceTimersByTime(249);
    expect(onProbeDue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onProbeDue).toHaveBeenCalledTimes(1);
    expect(circuit.slots(2)).toBe(1);
    circuit.succeed(circuit.era);
    expect(circuit.slots(2)).toBe(2);
  });

  it('waits ever longer between probes, half a minute at most', () => {
    const circuit = new Circuit(() => {});
    const waits = Array.from({ length: 9 }, () => {
      circuit.fail(failure, circuit.era);
      let waited = 0;
      while (circuit.slots(2) === 0) {
        vi.advanceTimersByTime(50);
        waited += 50;
      }
      return waited;
    });
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('is not closed by the success of a request that was sent before it opened', () => {
    const circuit = new Circuit(() => {});
    const { era } = circuit;
    circuit.fail(asking(60_000), era);
    circuit.succeed(era);
    expect(circuit.slots(2)).toBe(0);
    vi.advanceTimersByTime(60_000);
    circuit.succeed(circuit.era);
    expect(circuit.isOpen).toBe(false);
  });

  it('takes the failures of two requests sent together for one', () => {
    const circuit = new Circuit(() => {});
    const { era } = circuit;
    circuit.fail(failure, era);
    circuit.fail(failure, era);
    vi.advanceTimersByTime(250);
    expect(circuit.slots(2)).toBe(1);
  });

  it('opens again for a late failure that comes after it was closed', () => {
    const circuit = new Circuit(() => {});
    const { era } = circuit;
    circuit.fail(failure, era);
    circuit.succeed(circuit.era);
    circuit.fail(failure, era);
    expect(circuit.isOpen).toBe(true);
  });

  it('comes back for the probe even if its timer fires early', () => {
    const onProbeDue = vi.fn();
    const circuit = new Circuit(onProbeDue);
    circuit.fail(failure, circuit.era);
    const due = performance.now() + 250;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(due - 0.4);
    vi.advanceTimersByTime(250);
    expect(onProbeDue).not.toHaveBeenCalled();
    clock.mockReturnValue(due + 0.6);
    vi.advanceTimersByTime(1);
    expect(onProbeDue).toHaveBeenCalledTimes(1);
  });

  it('keeps the longer of two pauses', () => {
    const circuit = new Circuit(() => {});
    circuit.fail(asking(20_000), circuit.era);
    circuit.fail(failure, circuit.era);
    vi.advanceTimersByTime(19_999);
    expect(circuit.slots(2)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(circuit.slots(2)).toBe(1);
  });

  it('hurries when there is little time left, and never calls after close', () => {
    const onProbeDue = vi.fn();
    const circuit = new Circuit(onProbeDue);
    circuit.fail(failure, circuit.era);
    circuit.hurry();
    expect(circuit.slots(2)).toBe(1);
    circuit.close();
    vi.advanceTimersByTime(60_000);
    expect(onProbeDue).not.toHaveBeenCalled();
  });
});
