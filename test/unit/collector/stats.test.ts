import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { resolveOptions } from '../../../src/collector/resolve-options.ts';
import { openStore } from '../../../src/collector/store/open-store.ts';
import { bucketOf, percentile } from '../../../src/collector/store/stats/histogram.ts';
import { emptyDatabase } from '../../helpers/databases.ts';
import { newTask } from '../../helpers/new-task.ts';

const START = 1_790_000_000;

const anyTask = fc.record({
  id: fc.integer({ min: 0, max: 30 }).map(String),
  createdAt: fc.integer({ min: START, max: START + 4 * 86_400 }),
  flag: fc.constantFrom('success' as const, 'failure' as const, null),
  metadata: fc.record(
    {
      model: fc.constantFrom('a', 'b', 7),
      route: fc.constantFrom('/x', '/y'),
      outcome: fc.constantFrom('complete', 'error'),
      latency_ms: fc.oneof(fc.double({ min: 0, max: 90_000, noNaN: true }), fc.constant('slow')),
      prompt_tokens: fc.integer({ min: 0, max: 1000 }),
    },
    { requiredKeys: [] },
  ),
});

const step = fc.oneof(
  fc.record({ add: fc.array(anyTask, { maxLength: 5 }) }),
  fc.record({
    judge: fc.integer({ min: 0, max: 30 }).map(String),
    value: fc.constantFrom('success' as const, 'failure' as const),
  }),
  fc.record({ change: fc.integer({ min: 0, max: 30 }).map(String), to: anyTask }),
);

test('the figures are those of the stored tasks, whatever was stored and changed', async () => {
  const { database } = resolveOptions(await emptyDatabase(), {});
  const store = await openStore(database);
  onTestFinished(() => store.close());
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const project = `p${++runs}`;
      await store.projects.ensure(project);
      for (const entry of steps) {
        if ('add' in entry) {
          const unique = new Map(entry.add.map((task) => [task.id, task]));
          await store.tasks.add(project, [...unique.values()].map(newTask));
        } else if ('judge' in entry) {
          const verdict = { value: entry.value, source: 'user', notes: null };
          await store.tasks.change(project, entry.judge, { verdict });
        } else {
          await store.tasks.change(project, entry.change, { metadata: entry.to.metadata });
        }
      }
      const tasks = await store.tasks.list(project, { filters: {}, limit: 1000 });
      const first = START - (START % 3600);
      const starts = [0, 1, 2, 3, 4].map((day) => first + day * 86_400);
      const overview = await store.dashboard.overview(project, { starts, to: first + 5 * 86_400 });
      const count = (match: (task: (typeof tasks)[number]) => boolean) =>
        tasks.filter(match).length;
      expect(overview.totals).toMatchObject({
        tasks: tasks.length,
        success: count((task) => task.flag === 'success'),
        failure: count((task) => task.flag === 'failure'),
        errors: count((task) => task.metadata?.outcome === 'error'),
        prompt_tokens: tasks.reduce(
          (sum, task) => sum + Number(task.metadata?.prompt_tokens ?? 0),
          0,
        ),
      });
      for (const [key, groups] of [
        ['model', overview.models],
        ['route', overview.routes],
      ] as const) {
        for (const group of groups) {
          expect(group.tasks).toBe(
            count((task) => {
              const name = task.metadata?.[key];
              return (typeof name === 'string' ? name : null) === group.name;
            }),
          );
        }
        expect(groups.reduce((sum, group) => sum + group.tasks, 0)).toBe(tasks.length);
      }
      expect(overview.series.reduce((sum, column) => sum + column.tasks, 0)).toBe(tasks.length);
      for (const [index, time] of starts.entries()) {
        const within = count(({ created_at }) => created_at >= time && created_at < time + 86_400);
        expect(overview.series[index]).toMatchObject({ time, tasks: within });
      }
    }),
    { numRuns: 60 },
  );
});

test('a percentile is within 5 % of the exact one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1 }),
      fc.constantFrom(0.5, 0.95),
      (latencies, share) => {
        const histogram = new Map<number, number>();
        for (const latency of latencies) {
          const bucket = bucketOf(latency);
          histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1);
        }
        const sorted = latencies.sort((a, b) => a - b);
        const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
        const found = percentile(histogram, share) ?? 0;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(0.05 * exact, 0.5));
      },
    ),
  );
});

test('no latencies have no percentile', () => {
  expect(percentile(new Map(), 0.5)).toBeNull();
});
