import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../runner/child.mjs';

const POLL_MS = 250;

/**
 * An app of its own and a collector of its own that is bad for `badMs`: the app logs as `work` says, and
 * runs until all is settled, or for `limitMs`, before it shuts down.
 */
export async function throughOutage({ fault, badMs, limitMs, contender, options, work }) {
  const collector = await start('faulty-collector', { fault });
  let app;
  try {
    app = await start('outage-app', { contender, options, url: await collector.ask('url') });
    const refusal = await app.ask('refusal');
    if (refusal !== undefined) return { unavailable: refusal };
    await Promise.all([collector.ask('begin', badMs), app.ask('begin', badMs)]);
    const started = performance.now();
    await app.ask(...work);
    const settledMs = await untilSettled(app, { started, badMs, limitMs });
    const { dropped } = await app.ask('shutdown');
    return { ...(await app.ask('usage')), ...(await collector.ask('report')), dropped, settledMs };
  } finally {
    await Promise.all([collector.stop(), app?.stop()]);
  }
}

/** How long after the collector was well again, if it came to that. */
async function untilSettled(app, { started, badMs, limitMs }) {
  for (;;) {
    const elapsed = performance.now() - started;
    if (elapsed >= badMs && (await app.ask('ledger')).isSettled) return elapsed - badMs;
    if (elapsed >= limitMs) return undefined;
    await sleep(POLL_MS);
  }
}
