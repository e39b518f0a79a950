import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { NewTask, Store } from '../../src/collector/store/store.ts';
import { Run } from '../helpers/cli.ts';

const T0 = 1_790_000_000;

/** Everything that a project can hold, and texts that are hard to carry. */
export async function fillWithAll(store: Store, project = 'demo'): Promise<void> {
  await store.projects.ensure(project);
  const task = (index: number, more: Partial<NewTask> = {}): NewTask => ({
    id: `t${index}`,
    sessionId: index % 5 === 0 ? null : `s${index % 7}`,
    // Several in one second, and not in the order of their ids.
    createdAt: T0 + ((index * 7) % 400) * 100,
    input: `question ${index}`,
    output: index % 3 === 0 ? null : `answer ${index}`,
    additionalInput:
      index % 4 === 0 ? { messages: [{ role: 'user', content: `q${index}` }] } : null,
    additionalOutput: index % 4 === 1 ? { raw_output: 'x' } : null,
    metadata: { model: `m${index % 3}`, latency_ms: index, steps: [{ step_id: 'a', 1: 'b' }] },
    data: index % 6 === 0 ? { own: true } : null,
    flag: index % 11 === 0 ? 'success' : null,
    environment: 'test',
    testId: null,
    userId: `u${index % 3}`,
    versionId: index % 2 === 0 ? 'v1' : null,
    ...more,
  });
  await store.tasks.add(
    project,
    Array.from({ length: 1300 }, (_, index) => task(index)),
  );
  const hard = 'line\u2028para\u2029 \u0000 \ud800 😀 "quoted" \\ \n\r\t é 漢字';
  await store.tasks.add(project, [
    task(5000, { id: 'hard "id" é', input: hard, output: hard, metadata: { [hard]: hard } }),
    task(5001, { metadata: JSON.parse('{"__proto__": {"a": 1}, "b": -0, "2": 1, "1": 1e300}') }),
    task(5002, { input: '', output: '' }),
  ]);
  for (const index of [3, 4, 8]) {
    const verdict = { value: 'failure', source: 'user', notes: `wrong ${index}` } as const;
    await store.tasks.change(project, `t${index}`, { verdict });
    await store.tasks.change(project, `t${index}`, { verdict: { ...verdict, value: 'success' } });
  }
  await store.tasks.change(project, 't9', { notes: 'remarkable' });
  await store.sessions.change(project, 's1', { notes: 'n', metadata: { a: 1 }, preview: 'my own' });
  await store.sessions.create(project, { empty: true });
  const test = await store.tests.create(project, 'me', { prompt: 'v2' });
  const pair = { contextInput: 'x', oldOutput: hard, newOutput: 'y', instructions: null };
  for (const result of ['Same quality', 'Error'] as const)
    await store.comparisons.add(project, {
      ...{ ...pair, testId: test.id, result, source: 'm', reason: 'so' },
    });
  await store.tests.change(project, test.id, { status: 'completed' });
  await store.removal.remove(project, { kind: 'task', id: 't2' });
}

/** What a person sees of a project in the dashboard. */
export async function seen(store: Store, project = 'demo'): Promise<unknown> {
  const hour = T0 - (T0 % 3600);
  const search = async (q: string) =>
    (await store.dashboard.tasks(project, { q, limit: 200 })).rows.map(({ id }) => id);
  return {
    overview: await store.dashboard.overview(project, { starts: [hour], to: hour + 15 * 3600 }),
    bytes: await store.removal.bytes(project),
    found: [await search('remarkable'), await search('question 7'), await search('漢字')],
    sessions: await store.sessions.list(project, { filters: {}, limit: 100 }),
    tasks: await store.tasks.list(project, { filters: {}, limit: 2000 }),
  };
}

/** The command, run to its end. */
export async function command(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const run = new Run(['collector', ...args], environment);
  const code = await run.done;
  return { code, out: run.out, err: withoutNodesWarning(run.err) };
}

/** Node 22 calls its SQLite experimental. */
function withoutNodesWarning(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/ExperimentalWarning: SQLite|--trace-warnings/.test(line))
    .join('\n');
}

/** Lines of an export but for its header. */
export function linesOf(file: string): string[] {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8');
  const [header = '', ...lines] = text.split('\n');
  expect(JSON.parse(header)).toMatchObject({ type: 'header', format: 1 });
  return lines;
}
