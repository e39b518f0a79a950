import { sharedSymbol } from './brand.ts';

type Job = () => void;

/**
 * Runs a job whenever the process has nothing else to do, and would end. A job that starts something keeps
 * it alive, and is run again afterwards; one that starts nothing lets it end.
 *
 * @returns a function that takes the job out again
 */
export function onBeforeExit(job: Job): () => void {
  return register('beforeExit', job);
}

/** Runs a job when the process ends, `process.exit` and uncaught exceptions included: synchronous work only. */
export function onExit(job: Job): () => void {
  return register('exit', job);
}

/** One listener an event serves all instances of the process, in both copies of the package. */
function register(event: 'beforeExit' | 'exit', job: Job): () => void {
  const jobs = sharedJobs(event);
  jobs.add(job);
  return () => {
    jobs.delete(job);
  };
}

const KEYS = { beforeExit: sharedSymbol('before-exit'), exit: sharedSymbol('exit') };

function sharedJobs(event: 'beforeExit' | 'exit'): Set<Job> {
  const registry = globalThis as { [key: symbol]: unknown };
  const known = registry[KEYS[event]];
  if (known instanceof Set) return known as Set<Job>;
  const jobs = new Set<Job>();
  registry[KEYS[event]] = jobs;
  process.on(event, () => {
    for (const job of jobs) {
      try {
        job();
      } catch {
        // The process ends anyway, and the next job has its own to save.
      }
    }
  });
  return jobs;
}
