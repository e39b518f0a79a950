import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type Position, positionOf } from '../../src/collector/store/dashboard/cursor.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import type { NewTask, Store } from '../../src/collector/store/store.ts';
import { newPostgres } from '../helpers/databases.ts';

const task = (id: string, input: string): NewTask => ({
  ...{ id, input, output: null, sessionId: null, createdAt: 1_790_000_000, metadata: {} },
  ...{ additionalInput: null, additionalOutput: null, data: null, flag: null },
  ...{ environment: 'test', testId: null, userId: null, versionId: null },
});

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

test('PostgreSQL finds what SQLite finds', async () => {
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
      },
    ),
    { numRuns: 150 },
  );
});

test('common and rare words are found page by page, by themselves and beside filters', async () => {
  const stores = await both();
  const texts = Array.from({ length: 700 }, (_, n) => {
    const rare = n % 233 === 5 ? 'rare' : '';
    return `common ${n % 2 === 0 ? 'even' : 'odd'} ${rare}`;
  });
  const tasks = texts.map((text, n) => ({
    ...task(`t${n}`, text),
    createdAt: 1_790_000_000 + Math.floor(n / 3),
    metadata: { route: `/r${n % 5}` },
  }));
  const answers: string[][][] = [];
  for (const store of stores) {
    await store.projects.ensure('p');
    await store.tasks.add('p', tasks);
    const pages: string[][] = [];
    for (const q of ['common', 'even', 'rare', 'even rare', 'common nowhere', 'comm ev'])
      for (const route of [undefined, '/r3']) {
        let before: Position | undefined;
        for (let page = 0; page < 3; page++) {
          const read = await store.dashboard.tasks('p', { q, route, before, limit: 50 });
          pages.push(read.rows.map(({ id }) => id));
          before = positionOf(read.older ?? '');
          if (before === undefined) break;
        }
      }
    answers.push(pages);
  }
  const [sqlite, postgres] = answers;
  expect(postgres).toEqual(sqlite);
  expect(postgres?.flat().length).toBeGreaterThan(700);
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
