import { sharedSymbol } from './brand.ts';

type Job = () => void;

const KEY = sharedSymbol('before-exit');

/**
 * Runs a job whenever the process has nothing else to do, and would end. A job that starts something keeps
 * it alive, and is run again afterwards; one that starts nothing lets it end. One listener serves all
 * instances of the process, in both copies of the package.
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
  process.on('beforeExit', () => {
    for (const job of jobs) job();
  });
  return jobs;
}
