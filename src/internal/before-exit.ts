import { sharedSymbol } from './brand.ts';

type Job = () => Promise<unknown> | undefined;

const KEY = sharedSymbol('before-exit');

/**
 * Runs a job when the process has nothing else to do, once per time that the event loop empties. One
 * listener serves all instances of the process, in both copies of the package; a job that has nothing to
 * do returns undefined, and the process ends.
 *
 * @returns a function that takes the job out again
 */
export function onBeforeExit(job: Job): () => void {
  const jobs = sharedJobs();
  jobs.add(job);
  return () => {
    jobs.delete(job);
  };
}

function sharedJobs(): Set<Job> {
  const registry = globalThis as { [key: symbol]: unknown };
  const known = registry[KEY];
  if (known instanceof Set) return known as Set<Job>;
  const jobs = new Set<Job>();
  registry[KEY] = jobs;
  const ran = new WeakSet<Job>();
  process.on('beforeExit', () => {
    for (const job of jobs) {
      // Once each: a server that stays down must not keep the process alive round after round.
      if (ran.has(job)) continue;
      if (job() !== undefined) ran.add(job);
    }
  });
  return jobs;
}
