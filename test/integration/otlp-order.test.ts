import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { fold } from '../../src/collector/otlp/folder.ts';
import { decodeJson } from '../../src/collector/otlp/json.ts';
import { keptSpan } from '../../src/collector/otlp/kept-span.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import type { NewSpan, Store } from '../../src/collector/store/store.ts';
import type { TaskContent } from '../../src/types.ts';
import { hex, request, span, stepsOf } from './otlp-helpers.ts';

const RUNS = { numRuns: 100 };
const HOUR = 3_600_000;
const ALL = { filters: {}, limit: 1000 };
const NOW = Date.now();

type SpanSpec = Parameters<typeof span>[0];

/** Spans of one trace: a forest, with circles and parents that never come, some of them a model's work. */
const specs = fc
  .array(
    fc.record({
      parent: fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined }),
      start: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 0, max: 20 }),
      attributes: fc.dictionary(
        fc.constantFrom(
          ...['gen_ai.prompt', 'gen_ai.completion', 'gen_ai.response.model', 'phospho.task_id'],
          ...[
            'phospho.session_id',
            'phospho.metadata.a',
            'session.id',
            'http.route',
            'ai.operationId',
          ],
        ),
        fc.constantFrom('a', 'b', 'c'),
        { maxKeys: 4 },
      ),
      more: fc.constantFrom<Record<string, unknown>>(
        ...[{}, {}, { 'gen_ai.usage.input_tokens': 3 }, { 'phospho.propagate': true }],
        { 'gen_ai.tool.name': 't' },
      ),
      isError: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) =>
    list.map(
      ({ parent, start, length, attributes, more, isError }, index): SpanSpec => ({
        id: index + 1,
        ...(parent !== undefined && { parent }),
        ...{ start, end: start + length, attributes: { ...attributes, ...more } },
        ...(isError && { status: { code: 2, message: 'broken' } }),
      }),
    ),
  );

function newSpans(list: readonly SpanSpec[]): NewSpan[] {
  const { spans } = decodeJson(JSON.stringify(request(list.map((spec) => span(spec)))));
  return spans.map((decoded) => ({
    traceId: decoded.traceId,
    spanId: decoded.spanId,
    text: JSON.stringify(keptSpan(decoded, NOW)),
  }));
}

async function emptyStore(): Promise<Store> {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  onTestFinished(() => store.close());
  return store;
}

/** Folds what is there as if its time were over. */
async function foldAll(store: Store, project: string): Promise<void> {
  await store.spans.fold(project, [hex(1, 32)], NOW + HOUR / 2, fold);
}

async function tasksOf(store: Store, project: string): Promise<unknown[]> {
  const tasks = await store.tasks.list(project, ALL);
  return tasks
    .map(({ project_id: _, task_position: __, is_last_task: ___, ...task }: TaskContent) => task)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

it('a trace comes to the same tasks and figures in whichever order, parts and times over its spans come', {
  timeout: 120_000,
}, async () => {
  const store = await emptyStore();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      specs.chain((list) =>
        fc.record({
          list: fc.constant(list),
          shuffled: fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
          again: fc.subarray(list),
          sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: list.length }),
          foldsAfter: fc.array(fc.boolean(), { minLength: list.length }),
        }),
      ),
      async ({ list, shuffled, again, sizes, foldsAfter }) => {
        run++;
        const [whole, parts] = [`whole${run}`, `parts${run}`];
        await store.projects.ensure(whole);
        await store.projects.ensure(parts);
        await store.spans.add(whole, newSpans(list), NOW);
        await foldAll(store, whole);

        const left = [...shuffled];
        for (let part = 0; left.length > 0; part++) {
          await store.spans.add(parts, newSpans(left.splice(0, sizes[part])), NOW);
          await store.spans.add(parts, newSpans(again.filter((one) => !left.includes(one))), NOW);
          if (foldsAfter[part]) await foldAll(store, parts);
        }
        await foldAll(store, parts);
        const expected = await tasksOf(store, whole);
        expect(await tasksOf(store, parts)).toEqual(expected);

        const hour = { starts: [1_789_999_200], to: 1_790_002_800 };
        const figures = await store.dashboard.overview(whole, hour);
        expect(figures.totals.tasks).toBe(expected.length);
        expect(await store.dashboard.overview(parts, hour)).toEqual(figures);
        const found = async (project: string) =>
          (await store.dashboard.tasks(project, { q: 'a', limit: 200 })).rows
            .map(({ id }) => id)
            .sort();
        expect(await found(parts)).toEqual(await found(whole));
      },
    ),
    RUNS,
  );
});

it('a task that a person has judged stays, when what contains it comes late; one that nobody has goes', async () => {
  const store = await emptyStore();
  await store.projects.ensure('p');
  const chat = { 'gen_ai.operation.name': 'chat' };
  const late: SpanSpec = { id: 1, end: 9, attributes: { 'gen_ai.prompt': 'Hi' } };
  await store.spans.add(
    'p',
    newSpans([
      { id: 2, parent: 1, attributes: chat },
      { id: 3, parent: 1, attributes: chat },
    ]),
    NOW,
  );
  await foldAll(store, 'p');
  const judged = `otel_${hex(1, 32)}_${hex(2, 16)}`;
  const verdict = { value: 'success', source: 'user', notes: 'good' } as const;
  await store.tasks.change('p', judged, { verdict, metadata: { mine: 1 } });
  await store.spans.add('p', newSpans([late]), NOW);
  await foldAll(store, 'p');
  const tasks = await store.tasks.list('p', ALL);
  expect(tasks.map(({ id }) => id).sort()).toEqual([`otel_${hex(1, 32)}_${hex(1, 16)}`, judged]);
  expect(stepsOf(tasks.find(({ id }) => id !== judged))).toHaveLength(2);
});

it('what people have put into a task stays, when later spans join it', async () => {
  const store = await emptyStore();
  await store.projects.ensure('p');
  const id = `otel_${hex(1, 32)}_${hex(1, 16)}`;
  await store.spans.add(
    'p',
    newSpans([{ id: 1, end: 9, attributes: { 'gen_ai.prompt': 'Hi' } }]),
    NOW,
  );
  await foldAll(store, 'p');
  const verdict = { value: 'failure', source: 'user', notes: 'bad' } as const;
  await store.tasks.change('p', id, { verdict, metadata: { mine: 1 }, data: { more: 2 } });
  await store.spans.add(
    'p',
    newSpans([{ id: 2, parent: 1, attributes: { 'gen_ai.completion': 'Hello' } }]),
    NOW,
  );
  await foldAll(store, 'p');
  const task = await store.tasks.find('p', id);
  expect(task).toMatchObject({
    ...{ input: 'Hi', output: 'Hello', flag: 'failure', notes: 'bad', data: { more: 2 } },
    metadata: { mine: 1, outcome: 'complete' },
  });
  expect(stepsOf(task)).toHaveLength(1);
});

it('spans are forgotten an hour after the last of their trace; a task that is there then gains steps and loses nothing', async () => {
  const store = await emptyStore();
  await store.projects.ensure('p');
  const root: SpanSpec = { id: 1, end: 9, attributes: { 'gen_ai.prompt': 'Hi' } };
  const step = (id: number): SpanSpec => ({
    id,
    parent: 1,
    attributes: { 'gen_ai.completion': `${id}` },
  });
  await store.spans.add('p', newSpans([root, step(2)]), NOW);
  await foldAll(store, 'p');
  expect(await store.spans.forget(NOW + HOUR - 1, 10)).toBe(0);
  expect(await store.spans.forget(NOW + HOUR, 10)).toBe(1);
  await store.spans.add('p', newSpans([root, step(3)]), NOW);
  await foldAll(store, 'p');
  const [task, ...others] = await store.tasks.list('p', ALL);
  expect(others).toEqual([]);
  expect(stepsOf(task).map(({ step_id }) => step_id)).toEqual([hex(2, 16), hex(3, 16)]);
});

it('a trace takes 5000 spans; what is more is rejected', async () => {
  const store = await emptyStore();
  await store.projects.ensure('p');
  const many = newSpans(Array.from({ length: 5001 }, (_, index) => ({ id: index + 1 })));
  const added = await store.spans.add('p', many, NOW);
  expect(added).toEqual({ stored: 5000, duplicate: 0, rejected: 1 });
  expect(await store.spans.add('p', many.slice(0, 1), NOW)).toEqual({
    ...{ stored: 0, duplicate: 1, rejected: 0 },
  });
});

it('a chain of 5000 spans within each other, or a ring of them, is folded', async () => {
  const store = await emptyStore();
  for (const parentOfFirst of [undefined, 5000]) {
    const project = `p${parentOfFirst}`;
    await store.projects.ensure(project);
    const chain = Array.from({ length: 5000 }, (_, index): SpanSpec => {
      const parent = index === 0 ? parentOfFirst : index;
      const attributes = { 'gen_ai.prompt': `${index}` };
      return { id: index + 1, attributes, ...(parent !== undefined && { parent }) };
    });
    await store.spans.add(project, newSpans(chain), NOW);
    await foldAll(store, project);
    const [task, ...others] = await store.tasks.list(project, ALL);
    expect(others).toEqual([]);
    expect(task).toMatchObject({ input: '0', metadata: { steps_left_out: 3999 } });
  }
});
