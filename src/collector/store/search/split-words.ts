/** Which words the index is asked for, and which are looked for in the texts of what it finds. */
export interface SplitWords {
  indexed: string[];
  checked: string[];
}

/** Microseconds, roughly: to read one entry of the index, and to read a task's texts and cut them into words. */
const ENTRY_US = 1;
const TEXTS_US = 50;

/**
 * The cheapest way to a page of matches. The index reads all entries of a word, and of all words that begin so, before
 * it tells the first: of a common one that takes seconds among a million tasks, while a page of its matches is soon
 * met by walking along the time. So the rare ones are asked of the index, and the others of what is met.
 *
 * @param rates - the share of tasks that holds each word
 * @param tasks - how many there are
 * @param wanted - how many matches
 */
export function splitWords(
  rates: ReadonlyMap<string, number>,
  tasks: number,
  wanted: number,
): SplitWords {
  const words = [...rates].sort(([, a], [, b]) => a - b);
  let best = { cost: Number.POSITIVE_INFINITY, indexed: words.length };
  for (let indexed = words.length; indexed >= 0; indexed--) {
    const cost = costOf(words.slice(0, indexed), words.slice(indexed), tasks, wanted);
    if (cost < best.cost) best = { cost, indexed };
  }
  const names = words.map(([word]) => word);
  return { indexed: names.slice(0, best.indexed), checked: names.slice(best.indexed) };
}

type Rated = readonly [word: string, rate: number];

function costOf(
  indexed: readonly Rated[],
  checked: readonly Rated[],
  tasks: number,
  wanted: number,
): number {
  const entries = indexed.reduce((sum, [, rate]) => sum + rate * tasks, 0);
  const share = (rated: readonly Rated[]) => rated.reduce((product, [, rate]) => product * rate, 1);
  const met = Math.min(wanted / share(checked), share(indexed) * tasks);
  return entries * ENTRY_US + (checked.length === 0 ? 0 : met * TEXTS_US);
}
