import { expect, test } from 'vitest';
import type { Overview } from '../../src/collector/dashboard/wire.ts';
import { startDashboard } from '../helpers/dashboard.ts';

const HOUR = 3600;

const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** The days about the change of the clocks in Berlin, in March and in October, 23 and 25 hours long. */
const DAYS = {
  March: ['2026-03-27T23:00Z', '2026-03-28T23:00Z', '2026-03-29T22:00Z', '2026-03-30T22:00Z'],
  October: ['2026-10-23T22:00Z', '2026-10-24T22:00Z', '2026-10-25T23:00Z', '2026-10-26T23:00Z'],
};

async function withTasksAt(...times: number[]) {
  const dashboard = await startDashboard();
  await dashboard.login().expect(204);
  await dashboard.log(
    ...times.map((time, index) => ({ task_id: `t${index}`, input: 'x', created_at: time })),
  );
  const overview = (query: string) => dashboard.get(`/projects/demo/overview?${query}`);
  return { overview };
}

test.each(Object.entries(DAYS))(
  'columns have the length that they have, in %s',
  async (_, isos) => {
    const cuts = isos.map(seconds);
    const to = cuts.pop() ?? 0;
    const next = (index: number) => cuts[index + 1] ?? to;
    // One task in the first column, two in the second, three in the third; each has its first and last second.
    const { overview } = await withTasksAt(
      (cuts[0] ?? 0) - 1,
      ...cuts.flatMap((start, index) =>
        [next(index) - 1, start, start + 7 * HOUR].slice(0, index + 1),
      ),
      to,
    );
    const { body } = await overview(`starts=${cuts}&to=${to}`).expect(200);
    const { from, to: end, totals, series, models } = body as Overview;
    expect([from, end]).toEqual([cuts[0], to]);
    expect(series.map(({ time, tasks }) => [time, tasks])).toEqual([
      [cuts[0], 1],
      [cuts[1], 2],
      [cuts[2], 3],
    ]);
    expect(totals.tasks).toBe(6);
    // Read by whole days of UTC and what of hours lies about them.
    expect(models).toMatchObject([{ name: null, tasks: 6 }]);
  },
);

const HOURS = Array.from({ length: 401 }, (_, index) => (index + 1) * HOUR);

test.each([
  ['no columns', 'to=3600', 'starts', 'whole hours in UNIX seconds, separated by commas'],
  ['no end', 'starts=3600', 'to', 'expected'],
  ['what is no number', 'starts=3600,soon&to=7200', 'starts', 'multiple of 3600; got soon'],
  ['a negative start', 'starts=-3600&to=7200', 'starts', 'multiple of 3600; got -3600'],
  ['a start within an hour', 'starts=5400&to=7200', 'starts', 'multiple of 3600; got 5400'],
  ['an end within an hour', 'starts=3600&to=7201', 'to', 'multiple of 3600; got 7201'],
  ['starts that do not ascend', 'starts=3600,3600&to=7200', 'starts', 'must ascend'],
  ['an end before the last start', 'starts=0,7200&to=7200', 'to', 'after the last of starts'],
  ['too many columns', `starts=${HOURS}&to=9000000`, 'starts', 'at most 400 columns; got 401'],
  ['starts given twice', 'starts=0&starts=3600&to=7200', 'starts', 'separated by commas'],
])('%s: the error names the parameter and says what it must be', async (_, query, name, words) => {
  const { overview } = await withTasksAt();
  const { body } = await overview(query).expect(422);
  expect(body.detail).toHaveLength(1);
  const [{ loc, msg }] = body.detail;
  expect(loc.slice(0, 2)).toEqual(['query', name]);
  expect(msg).toContain(words);
});
