import { maskRules, Phospho } from 'phospho-express';
import { below } from '../runner/figures.mjs';
import { RULES, SIZE, textsOf } from './mask-texts.mjs';

const KEYS = ['password', 'ssn', 'api_key'];
const NOWHERE = { export: async (batch) => batch.map(() => ({ ok: true })), flag: async () => {} };

export const mask = {
  name: 'mask',
  measures: `each rule of \`mask\` on adversarial texts of ${SIZE / 1e6} MB; the worst text counts`,
  contenders: RULES,
  rounds: 7,
  warmups: 2,
  figures: {
    worst: { title: 'ms for the worst text', digits: 1, budget: below(50) },
    doubled: { title: 'time for twice the text, times', digits: 2, budget: below(3) },
  },
  async open() {
    const phospho = new Phospho({ exporter: NOWHERE, logLevel: 'silent' });
    return {
      async run(rule) {
        const apply = masking(rule, phospho);
        const times = textsOf(rule, SIZE).map((text) => timed(apply, text));
        const twice = textsOf(rule, 2 * SIZE).map((text) => timed(apply, text));
        await phospho.flush();
        return { worst: Math.max(...times), doubled: sum(twice) / sum(times) };
      },
      close: () => phospho.shutdown(),
    };
  },
  compare: (sample) => sample,
};

/** The mask that is always on has no name of its own; a flag's notes pass it at once, and nothing else. */
function masking(rule, phospho) {
  if (rule === 'credentials') return (notes) => phospho.flag('task', 'failure', { notes });
  return rule === 'keys' ? maskRules.keys(KEYS) : maskRules[rule];
}

/** The better of two: a collection of garbage may come between. */
function timed(apply, text) {
  return Math.min(timedOnce(apply, text), timedOnce(apply, text));
}

function timedOnce(apply, text) {
  const started = performance.now();
  apply(text);
  return performance.now() - started;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
