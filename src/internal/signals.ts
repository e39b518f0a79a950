import { constants } from 'node:os';
import { sharedSymbol } from './brand.ts';

/** What is done before the process ends. `isShared`: the app listens to the signal too, and ends the process itself. */
type Job = (isShared: boolean) => Promise<unknown>;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];

interface Registry {
  add(job: Job): void;
  remove(job: Job): void;
}

const KEY = sharedSymbol('signals');

/**
 * Runs a job at SIGINT and SIGTERM. Where nobody else listens to the signal, the process then ends by that
 * same signal, as it would have without us; a second signal meanwhile ends it at once. One listener a signal
 * serves all instances of the process, in both copies of the package, and goes with the last job.
 *
 * @returns a function that takes the job out again
 */
export function onSignal(job: Job): () => void {
  const shared = registry();
  shared.add(job);
  return () => shared.remove(job);
}

function registry(): Registry {
  const all = globalThis as { [key: symbol]: unknown };
  all[KEY] ??= createRegistry();
  return all[KEY] as Registry;
}

function createRegistry(): Registry {
  const jobs = new Set<Job>();
  let running = 0;

  const listeners = { SIGINT: () => take('SIGINT'), SIGTERM: () => take('SIGTERM') };
  const listen = (): void => {
    // In front, so that a listener which the app takes out as it is called (`once`) still counts.
    for (const signal of SIGNALS) process.prependListener(signal, listeners[signal]);
  };
  const unlisten = (): void => {
    for (const signal of SIGNALS) process.off(signal, listeners[signal]);
  };
  const isShared = (signal: Signal): boolean => {
    const others = process.listeners(signal).filter((one) => one !== listeners[signal]);
    return others.length > exitWatchers();
  };
  const end = (signal: Signal): void => {
    unlisten();
    // Linux ignores a signal that would kill the first process of a container.
    if (process.pid === 1) process.exit(128 + constants.signals[signal]);
    process.kill(process.pid, signal);
  };
  const run = async (signal: Signal, shared: boolean): Promise<void> => {
    running += 1;
    // The app's own listeners come first: they may start gracefulShutdown(), which the jobs then wait for.
    await Promise.resolve();
    await Promise.allSettled([...jobs].map((job) => job(shared)));
    running -= 1;
    if (!shared && !isShared(signal)) end(signal);
    else if (jobs.size === 0) unlisten();
  };
  const take = (signal: Signal): void => {
    const shared = isShared(signal);
    if (running > 0 && !shared) end(signal);
    else void run(signal, shared);
  };

  return {
    add: (job) => {
      if (jobs.size === 0 && running === 0) listen();
      jobs.add(job);
    },
    remove: (job) => {
      jobs.delete(job);
      // While jobs run, a second signal is still ours: as process 1 nobody else would end it.
      if (jobs.size === 0 && running === 0) unlisten();
    },
  };
}

/**
 * Listeners of the package `signal-exit`, in its versions 3 and 4: they end nothing as long as somebody else
 * listens. To leave the end to them would be to leave it to nobody.
 */
function exitWatchers(): number {
  const places = [
    (process as { __signal_exit_emitter__?: unknown }).__signal_exit_emitter__,
    (globalThis as { [key: symbol]: unknown })[Symbol.for('signal-exit emitter')],
  ];
  let count = 0;
  for (const place of places) {
    const found: unknown = Object(place).count;
    if (typeof found === 'number') count += found;
  }
  return count;
}
