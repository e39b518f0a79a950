import { summary } from './figures.mjs';

/**
 * Runs a suite's contenders in rounds and returns its results: a summary of each figure of each contender.
 *
 * A suite is an object with
 * - `name`, and `measures`: one sentence;
 * - `contenders`: names in order; those other than `bare`, `naive` and peers are ours, and have budgets;
 * - `rounds`, and `warmups`: rounds before them that are not counted;
 * - `figures`: key → `{ title, digits, budget }`; `budget` may be a function of the contender;
 * - `open({ contenders })` → `{ run(contender, { isWarmup }), close(), notes }`; what `run` resolves to is
 *   a sample;
 * - `compare(sample, round)` → key → number: the figures of a sample, beside the others' samples of its
 *   round, by contender;
 * - `isWhole`: all its rounds are run, however long they take;
 * - `isWide`: shown with a row a contender and a column a figure;
 * - `isParallel`: the contenders of a round run at once;
 * - `takesPeers`: whether peers can be contenders;
 * - `reference`: a table of others' figures, `{ title, columns, rows }`.
 *
 * A sample `{ unavailable: reason }` is shown as n/a. A contender that fails is out of the rounds that follow.
 */
export async function measure(suite, { rounds = suite.rounds, timeMs, peers = [], onStep }) {
  const contenders = suite.takesPeers ? [...suite.contenders, ...peers] : suite.contenders;
  const warmups = suite.warmups ?? 0;
  const state = { suite, live: new Set(contenders), taken: new Map(), gone: new Map(), onStep };
  for (const contender of contenders) state.taken.set(contender, []);
  onStep({ total: (rounds + warmups) * contenders.length, at: 'setting up' });
  const opened = await suite.open({ contenders });
  const started = performance.now();
  let done = 0;
  try {
    for (let round = -warmups; round < rounds && canGoOn(state); round++) {
      const figures = await runRound(state, opened, round);
      if (round < 0) continue;
      done += 1;
      for (const [contender, entry] of figures) state.taken.get(contender).push(entry);
      if (!suite.isWhole && performance.now() - started >= timeMs) break;
    }
  } finally {
    await opened.close();
  }
  return {
    suite: suite.name,
    measures: suite.measures,
    rounds: done,
    stoppedEarly: done < rounds && canGoOn(state),
    seconds: Math.round((performance.now() - started) / 1000),
    results: Object.keys(suite.figures).flatMap((key) =>
      contenders.flatMap((contender) => resultsOf(state, key, contender, peers)),
    ),
    unavailable: list(state.gone, 'unavailable'),
    failures: list(state.gone, 'failed'),
    notes: opened.notes ?? [],
    ...(suite.isWide && { isWide: true }),
    ...(suite.reference && { reference: suite.reference }),
  };
}

/** Without the bare app there is nothing to compare with. */
function canGoOn({ suite, live }) {
  return live.size > 0 && (live.has('bare') || !suite.contenders.includes('bare'));
}

/** The contenders in turn, every other round backwards, so that a drift of the machine hits all alike. */
async function runRound(state, opened, round) {
  const order = round % 2 === 0 ? [...state.live] : [...state.live].reverse();
  const samples = new Map();
  const runOne = async (contender) => {
    try {
      const sample = await opened.run(contender, { isWarmup: round < 0 });
      if (sample.unavailable) leave(state, contender, 'unavailable', sample.unavailable);
      else samples.set(contender, sample);
    } catch (error) {
      leave(state, contender, 'failed', error?.message ?? String(error));
    }
    state.onStep({ step: 1, at: contender });
  };
  if (state.suite.isParallel) await Promise.all(order.map(runOne));
  else for (const contender of order) await runOne(contender);
  if (!canGoOn(state)) return [];
  const together = Object.fromEntries(samples);
  return [...samples].map(([contender, sample]) => [
    contender,
    state.suite.compare(sample, together),
  ]);
}

function leave({ live, gone }, contender, how, reason) {
  live.delete(contender);
  gone.set(contender, { how, reason });
}

/** One result, or none where no sample of the contender has that figure. */
function resultsOf({ suite, taken }, key, contender, peers) {
  const samples = taken
    .get(contender)
    .map((figures) => figures[key])
    .filter((value) => Number.isFinite(value));
  if (samples.length === 0) return [];
  const { title, digits, budget } = suite.figures[key];
  const figures = summary(samples);
  const isOurs = !['bare', 'naive', ...peers].includes(contender);
  const limit = typeof budget === 'function' ? budget(contender) : budget;
  const verdict = isOurs && limit && { budget: limit.text, isMet: limit.isMet(figures.median) };
  return [{ figure: key, title, contender, digits, ...figures, samples, ...verdict }];
}

function list(gone, how) {
  return [...gone]
    .filter(([, entry]) => entry.how === how)
    .map(([contender, { reason }]) => ({ contender, reason }));
}
