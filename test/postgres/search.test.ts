import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type Position, positionOf } from '../../src/collector/store/dashboard/cursor.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import { queriedWords, wordsIn } from '../../src/collector/store/search/text-words.ts';
import { wordTest } from '../../src/collector/store/search/word-test.ts';
import type { NewTask, Store } from '../../src/collector/store/store.ts';
import { newPostgres } from '../helpers/databases.ts';
import { newTask } from '../helpers/new-task.ts';

const task = (id: string, input: string): NewTask => newTask({ id, input });

async function both(): Promise<Store[]> {
  const url = await newPostgres();
  const stores = await Promise.all([
    openStore({ kind: 'sqlite', path: ':memory:' }),
    openStore({ kind: 'postgres', url, poolSize: 3, partitions: 0 }),
  ]);
  onTestFinished(async () => {
    for (const store of stores) await store.close();
  });
  return stores;
}

/** Words of many scripts, with accents in one and in two characters, and what stands between words. */
const word = fc.constantFrom(
  ...['green', 'GREEN', 'greens', 'thé', 'the', 'cafe\u0301', 'Café', 'naïve', 'Straße', 'strasse'],
  ...[
    'Øl',
    'ÅNGSTRÖM',
    'Ελλάδα',
    'ΕΛΛΆΔΑ',
    'ΣΑΣ',
    'σας',
    'σασ',
    'й',
    'и\u0306',
    'q\u0303u',
    'привет',
    'Привет',
    '緑茶',
    '茶',
    'ไทย',
    'नमस्ते',
    'שָׁלוֹם',
    'مرحبا',
  ],
  ...[
    '한국어',
    '한',
    'a1',
    '1a',
    '42',
    'x_y',
    "don't",
    'e-mail',
    'C++',
    '👍',
    'ế',
    'ﬁn',
    '①',
    'ǅ',
    'İstanbul',
  ],
);
const between = fc.constantFrom(
  ' ',
  '\n',
  ', ',
  '. ',
  '"',
  "'",
  '-',
  '_',
  '\u0000',
  '\ud800',
  '  ',
);
const text = fc
  .array(fc.tuple(word, between), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.flat().join(''));

test('PostgreSQL finds what SQLite finds, and what a look at the texts finds', async () => {
  const stores = await both();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 6 }),
      fc.oneof(
        text,
        word,
        word.map((whole) => whole.slice(0, 2)),
      ),
      async (texts, q) => {
        const project = `p${++runs}`;
        const [sqlite, postgres] = await Promise.all(
          stores.map(async (store) => {
            await store.projects.ensure(project);
            await store.tasks.add(
              project,
              texts.map((input, n) => task(`t${n}`, input)),
            );
            const { rows } = await store.dashboard.tasks(project, { q, limit: 50 });
            return rows.map(({ id }) => id);
          }),
        );
        expect(postgres).toEqual(sqlite);
        // What is met on a walk along the time is told in the same way.
        const words = queriedWords(q).flatMap(wordsIn);
        const holds = wordTest(words);
        const matching = texts.flatMap((input, n) =>
          words.length > 0 && holds({ input, output: null }) ? [`t${n}`] : [],
        );
        expect(sqlite).toEqual(matching.reverse());
      },
    ),
    { numRuns: 150 },
  );
});

test.each([
  ['pages that the index makes', 50],
  ['pages that a walk along the time makes', 3],
])('common and rare words are found, by themselves and beside filters, on %s', async (_, limit) => {
  const stores = await both();
  // What is common now need not have been: the two words meet only in the oldest tasks.
  const texts = Array.from({ length: 4700 }, (_, n) => {
    const rare = n % 233 === 5 ? 'rare' : '';
    return `common ${n < 20 ? 'even odd' : n % 2 === 0 ? 'even' : 'odd'} ${rare}`;
  });
  const tasks = texts.map((text, n) => ({
    ...task(`t${n}`, text),
    createdAt: 1_790_000_000 + Math.floor(n / 3),
    metadata: { route: `/r${n % 5}` },
  }));
  /** What the pages must hold: of the tasks, newest first, those that have all the words. */
  const wanted = (q: string, route: string | undefined) => {
    const holds = wordTest(q.split(' '));
    const found = tasks.filter(
      (one) => holds(one) && (route === undefined || one.metadata.route === route),
    );
    return found.reverse().map(({ id }) => id);
  };
  for (const store of stores) {
    await store.projects.ensure('p');
    await store.tasks.add('p', tasks);
    for (const q of [
      'common',
      'even',
      'rare',
      'even rare',
      'common nowhere',
      'comm ev',
      'even odd',
    ])
      for (const route of [undefined, '/r3']) {
        const met: string[] = [];
        let before: Position | undefined;
        for (let page = 0; page < 4; page++) {
          const read = await store.dashboard.tasks('p', { q, route, before, limit });
          met.push(...read.rows.map(({ id }) => id));
          before = positionOf(read.older ?? '');
          if (before === undefined) break;
        }
        expect(met).toEqual(wanted(q, route).slice(0, 4 * limit));
      }
  }
});

test('texts without end are found by their beginnings', async () => {
  const stores = await both();
  const words = Array.from({ length: 200_000 }, (_, n) => `word${n.toString(36)}`).join(' ');
  for (const store of stores) {
    await store.projects.ensure('p');
    await store.tasks.add('p', [
      task('many', `first ${words}`),
      task('long', `${'x'.repeat(60_000)} last`),
      task('wide', '語'.repeat(60_000)),
    ]);
    const found = async (q: string) =>
      (await store.dashboard.tasks('p', { q, limit: 5 })).rows.map(({ id }) => id);
    expect(await found('first')).toEqual(['many']);
    expect(await found('word5')).toEqual(['many']);
    expect(await found('x'.repeat(3000))).toEqual(['long']);
    expect(await found('last')).toEqual(['long']);
    expect(await found('語')).toEqual(['wide']);
  }
});
