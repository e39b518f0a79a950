// The child's end of bench/runner/child.mjs.

import { readFileSync } from 'node:fs';

export const config = JSON.parse(process.argv[2] ?? '{}');

/** Answers the parent's commands, and ends with the parent. */
export function serve(commands) {
  process.on('message', async ({ id, command, input }) => {
    try {
      process.send({ id, answer: await { hello: () => {}, ...commands }[command](input) });
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) });
    }
  });
  process.once('disconnect', () => process.exit());
}

/** CPU time of this process, all threads, in µs. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The most memory that this process has had. On Linux of this program alone: `maxRSS` counts what the parent had when it forked, too. */
export function peakBytes() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
