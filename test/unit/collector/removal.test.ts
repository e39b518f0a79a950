import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { resolveOptions } from '../../../src/collector/resolve-options.ts';
import { openStore } from '../../../src/collector/store/open-store.ts';
import type { Store } from '../../../src/collector/store/store.ts';
import { emptyDatabase } from '../../helpers/databases.ts';
import { newTask } from '../../helpers/new-task.ts';

const START = 1_790_000_000;

async function open(): Promise<Store> {
  const { database } = resolveOptions(await emptyDatabase(), {});
  const store = await openStore(database);
  onTestFinished(() => store.close());
  return store;
}

const ids = fc.integer({ min: 0, max: 20 }).map(String);
const sessions = fc.constantFrom('s1', 's2', 's3');
const users = fc.constantFrom('u1', 'u2');
const text = fc.oneof(fc.string(), fc.constantFrom('é\u0000', '\ud800', '漢字', 'x'.repeat(300)));

const anyTask = fc.record({
  id: ids,
  createdAt: fc.integer({ min: START, max: START + 2 * 86_400 }),
  input: text,
  output: fc.option(text),
  sessionId: fc.option(sessions),
  userId: fc.option(users),
  flag: fc.constantFrom('success' as const, 'failure' as const, null),
  metadata: fc.record({ model: fc.constantFrom('a', 'b'), note: text }, { requiredKeys: [] }),
});

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.array(anyTask, { maxLength: 6 }) }) },
  fc.record({ note: ids, text }),
  fc.record({
    remove: fc.oneof(
      fc.record({ kind: fc.constant('task' as const), id: ids }),
      fc.record({ kind: fc.constant('session' as const), id: sessions }),
      fc.record({ kind: fc.constant('user' as const), id: users }),
      fc.constant({ kind: 'project' as const }),
    ),
  }),
);

test('figures, sizes, sessions and previews are those of what is left, whatever was deleted', async () => {
  const store = await open();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const project = `p${++runs}`;
      await store.projects.ensure(project);
      const gone = new Set<string>();
      for (const entry of steps) {
        const before = await store.tasks.list(project, { filters: {}, limit: 100 });
        if ('add' in entry) {
          const unique = [...new Map(entry.add.map((task) => [task.id, newTask(task)])).values()];
          const stored = await store.tasks.add(project, unique);
          const known = new Set(before.map(({ id }) => id));
          expect(stored).toEqual(
            new Set(unique.map(({ id }) => id).filter((id) => !known.has(id) && !gone.has(id))),
          );
        } else if ('note' in entry) {
          await store.tasks.change(project, entry.note, { notes: entry.text });
        } else {
          const expected = await store.removal.count(project, entry.remove);
          const removed = await store.removal.remove(project, entry.remove);
          expect(removed ?? { tasks: 0, sessions: 0 }).toEqual(expected);
          const left = await store.tasks.list(project, { filters: {}, limit: 100 });
          const has = new Set(left.map(({ id }) => id));
          for (const { id } of before) if (!has.has(id)) gone.add(id);
        }
      }
      const tasks = await store.tasks.list(project, { filters: {}, limit: 100 });
      const { totals } = await store.dashboard.overview(project, {
        starts: [START - (START % 3600)],
        to: START - (START % 3600) + 3 * 86_400,
      });
      expect(totals.tasks).toBe(tasks.length);
      expect(totals.failure).toBe(tasks.filter(({ flag }) => flag === 'failure').length);
      const json = (value: unknown) => (value === null ? '' : JSON.stringify(value));
      const size = tasks.map((task) =>
        [task.input, task.output ?? '', json(task.metadata), task.notes ?? ''].join(''),
      );
      expect(await store.removal.bytes(project)).toBe(Buffer.byteLength(size.join('')));
      for (const session of await store.sessions.list(project, { filters: {}, limit: 100 })) {
        const own = tasks.filter(({ session_id }) => session_id === session.id);
        expect(session.session_length).toBe(own.length);
        expect(session.preview === null).toBe(own.length === 0);
        const isOfOne = own.some(({ input }) => session.preview?.startsWith(input.slice(0, 90)));
        expect(isOfOne || own.length === 0).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test('goes in steps between which others write, can be broken off, and goes on when called again', async () => {
  const store = await open();
  await store.projects.ensure('p');
  const tasks = Array.from({ length: 1700 }, (_, index) =>
    newTask({ id: `t${index}`, userId: 'u', sessionId: `s${index % 40}` }),
  );
  await store.tasks.add('p', tasks);
  const user = { kind: 'user', id: 'u' } as const;
  const abort = new AbortController();
  const seen: number[] = [];
  const writes: Promise<unknown>[] = [];
  const broken = store.removal.remove('p', user, {
    signal: abort.signal,
    onStep: (gone) => {
      seen.push(gone.tasks);
      writes.push(store.tasks.add('p', [newTask({ id: `other${gone.tasks}` })]));
      if (gone.tasks >= 1000) abort.abort();
    },
  });
  await expect(broken).rejects.toThrow(/abort/i);
  expect(seen).toEqual([500, 1000]);
  await Promise.all(writes);
  expect(await store.removal.count('p', user)).toEqual({ tasks: 700, sessions: 40 });
  expect(await store.removal.remove('p', user)).toEqual({ tasks: 700, sessions: 40 });
  const left = await store.tasks.list('p', { filters: {}, limit: 10 });
  expect(left.map(({ id }) => id).sort()).toEqual(['other1000', 'other500']);
});

test('whoever follows the project is told, as open dashboards are', async () => {
  const { database } = resolveOptions(await emptyDatabase(), {});
  const told: string[] = [];
  const store = await openStore(database, {
    projects: () => ['p'],
    changed: (projectId) => told.push(projectId),
    changedElsewhere: () => undefined,
  });
  onTestFinished(() => store.close());
  await store.projects.ensure('p');
  await store.tasks.add('p', [newTask({ id: 'a' })]);
  told.length = 0;
  await store.removal.remove('p', { kind: 'task', id: 'a' });
  expect(new Set(told)).toEqual(new Set(['p']));
  told.length = 0;
  await store.removal.remove('p', { kind: 'user', id: 'nobody' });
  expect(told).toEqual([]);
});

test('all of a project: a session stays whose event has come since the last task went', async () => {
  const store = await open();
  await store.projects.ensure('p');
  await store.tasks.add('p', [newTask({ id: 'old', sessionId: 'before' })]);
  const { signal } = new AbortController();
  let gone = 0;
  let looks = 0;
  let added: Promise<unknown> | undefined;
  // It looks at the signal before each step: the first one after that finds no tasks, the next is about sessions.
  signal.throwIfAborted = () => {
    if (gone > 0 && ++looks === 2) {
      added = store.tasks.add('p', [newTask({ id: 'new', sessionId: 'since' })]);
    }
  };
  const onStep = ({ tasks }: { tasks: number }) => {
    gone = tasks;
  };
  await store.removal.remove('p', { kind: 'project' }, { signal, onStep });
  expect(await added).toEqual(new Set(['new']));
  expect(await store.sessions.find('p', 'before')).toBeUndefined();
  expect(await store.sessions.find('p', 'since')).toMatchObject({ session_length: 1 });
});

test('two at once delete each task once', async () => {
  const store = await open();
  await store.projects.ensure('p');
  const tasks = Array.from({ length: 900 }, (_, index) =>
    newTask({ id: `t${index}`, userId: 'u', sessionId: 's', flag: 'success' }),
  );
  await store.tasks.add('p', tasks);
  const user = { kind: 'user', id: 'u' } as const;
  const both = await Promise.all([
    store.removal.remove('p', user),
    store.removal.remove('p', user),
  ]);
  expect(both.reduce((sum, gone) => sum + (gone?.tasks ?? 0), 0)).toBe(900);
  const hour = START - (START % 3600);
  const { totals } = await store.dashboard.overview('p', { starts: [hour], to: hour + 3600 });
  expect(totals).toMatchObject({ tasks: 0, success: 0 });
});
