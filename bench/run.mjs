// npm run bench -- [names…]: what phospho-express costs and survives. See bench/README.md.

import { availableParallelism, loadavg } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { stopAll } from './runner/child.mjs';
import { measure } from './runner/measure.mjs';
import { installPeers, PEERS } from './runner/peers.mjs';
import { startProgress } from './runner/progress.mjs';
import { report } from './runner/report.mjs';
import { DEFAULT, GROUPS, SUITES } from './suites/index.mjs';

const names = [...Object.keys(SUITES), ...Object.keys(GROUPS)];

const command = new Command('npm run bench --')
  .argument(
    '[names...]',
    `suites, or groups of them: ${names.join(', ')}; without names all but the queries`,
  )
  .option('--json', 'one JSON object on stdout')
  .option('--rounds <number>', 'rounds of each suite; else its own number', wholeNumber)
  .option(
    '--time-ms <ms>',
    'a suite ends with the round in which this is over',
    wholeNumber,
    120_000,
  )
  .option('--peers <names>', `peers beside ours, in fn and http: ${PEERS.join(', ')}`, peers, [])
  .action(async (given, { json, rounds, timeMs, peers }) => {
    const unknown = given.find((name) => !names.includes(name));
    if (unknown !== undefined) {
      command.error(`error: no suite "${unknown}"; there are: ${names.join(', ')}`);
    }
    if (peers.length > 0) installPeers();
    const on = machine();
    if (!json) process.stdout.write(shown(on));
    const all = [];
    const chosen = (given.length > 0 ? given : DEFAULT).flatMap((name) => GROUPS[name] ?? name);
    for (const name of new Set(chosen)) {
      const results = await runSuite(SUITES[name], { rounds, timeMs, peers });
      if (results.failures.length > 0) process.exitCode = 1;
      if (json) all.push(results);
      else process.stdout.write(`\n${report(results)}`);
    }
    if (json) process.stdout.write(`${JSON.stringify({ on, suites: all }, null, 2)}\n`);
  });

await command.parseAsync();

async function runSuite(suite, { rounds, ...options }) {
  const progress = startProgress(suite.name);
  try {
    return await measure(suite, { ...(rounds && { rounds }), ...options, onStep: progress.step });
  } catch (error) {
    return failed(suite, error);
  } finally {
    progress.stop();
    await stopAll();
  }
}

/** A suite that could not be set up does not keep the others from running. */
function failed({ name, measures }, error) {
  const failures = [{ contender: name, reason: error?.message ?? String(error) }];
  const nothing = { rounds: 0, seconds: 0, results: [], unavailable: [], notes: [] };
  return { suite: name, measures, ...nothing, failures };
}

/** Where the figures come from. A load from the start means that others will have their part in them. */
function machine() {
  return {
    date: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processors: availableParallelism(),
    loadBefore: Number(loadavg()[0].toFixed(1)),
  };
}

function shown({ date, node, platform, processors, loadBefore }) {
  return `${date}, Node ${node}, ${platform}, ${processors} processors, load ${loadBefore} before\n`;
}

function wholeNumber(text) {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

function peers(text) {
  const given = text.split(',');
  const unknown = given.find((name) => !PEERS.includes(name));
  if (unknown === undefined) return [...new Set(given)];
  throw new InvalidArgumentError(`No peer "${unknown}"; there are: ${PEERS.join(', ')}.`);
}
