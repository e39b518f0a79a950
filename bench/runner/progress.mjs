import { SingleBar } from 'cli-progress';

/** A bar on stderr where that is a terminal; else nothing. */
export function startProgress(name) {
  if (!process.stderr.isTTY) return { step: () => {}, stop: () => {} };
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    format: `${name} [{bar}] {value}/{total} {duration_formatted} {at}`,
  });
  return {
    step: ({ total, step, at }) => {
      if (total !== undefined) bar.start(total, 0, { at });
      else bar.increment(step, { at });
    },
    stop: () => bar.stop(),
  };
}
