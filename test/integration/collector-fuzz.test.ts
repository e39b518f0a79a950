import fc from 'fast-check';
import { agent } from 'supertest';
import { expect, test } from 'vitest';
import { ROUTES } from '../../src/collector/routes/routes.ts';
import { startCollector } from './collector-helpers.ts';

const RUNS = { numRuns: 300 };
const posts = ROUTES.filter((route) => route.method === 'POST').map(({ path }) =>
  path.replace(':project_id', 'demo').replace(':task_id', 't').replace(':session_id', 's'),
);

/** Any string, with halves of surrogate pairs, NUL and other nuisances among them. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('demo', 't', 's', '', '\u0000', '\ud800', '__proto__', 'success', '../..', "'--"),
);
const key = fc.constantFrom(
  ...['project_id', 'task_id', 'session_id', 'input', 'output', 'metadata', 'data', 'flag'],
  ...['human_eval', 'notes', 'filters', 'limit', 'summary', 'status', 'flattened_tasks'],
  ...['batched_log_events', 'raw_input', 'created_at', 'tasks_ids', 'task_eval', '__proto__'],
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('demo', 'success', 'failure', 'completed'),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(fc.oneof(key, text), tie('value')), { maxLength: 8 }).map(Object.fromEntries),
  ),
}));
const body = fc.oneof(
  value,
  fc.array(fc.tuple(key, value), { maxLength: 8 }).map(Object.fromEntries),
  fc
    .array(fc.tuple(key, value), { maxLength: 8 })
    .map((entries) => ({ project_id: 'demo', input: 'x', ...Object.fromEntries(entries) })),
  fc.array(value, { maxLength: 5 }).map((events) => ({ batched_log_events: events })),
);

async function fuzzed() {
  const started = await startCollector({ flagWaitMs: 0 });
  await started.log({ task_id: 't', session_id: 's', input: 'x' });
  return started;
}

function isFine(status: number, answer: { detail?: unknown } | null): void {
  if (status === 200) return;
  expect(status === 501 || (status >= 400 && status < 500)).toBe(true);
  expect(answer?.detail).toBeTruthy();
}

test('no JSON makes a route fail', { timeout: 60_000 }, async () => {
  const { post } = await fuzzed();
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...posts), body, async (path, json) => {
      const answer = await post(path)
        .type('json')
        .send(JSON.stringify(json) ?? '');
      isFine(answer.status, answer.body);
    }),
    RUNS,
  );
});

test('no bytes for a body make a route fail', { timeout: 60_000 }, async () => {
  const { post } = await fuzzed();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...posts),
      fc.string({ unit: 'binary' }),
      async (path, junk) => {
        const answer = await post(path).type('json').send(junk);
        isFine(answer.status, answer.body);
      },
    ),
    RUNS,
  );
});

test('no path and query make a route fail', { timeout: 60_000 }, async () => {
  const { collector } = await fuzzed();
  const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
  const part = fc.oneof(
    text.map((s) => encodeURIComponent(s.replace(/\p{Surrogate}/gu, ''))),
    fc.constantFrom('v2', 'tasks', 'sessions', 'projects', 'demo', 'flat', 'flag', 'transcript'),
    fc.constantFrom('%E0%A4%A', '%00', '%', '%2e%2e', '%ff', '..', '__proto__', 'a'.repeat(3000)),
  );
  const query = fc.oneof(
    fc.constantFrom('', '?limit=', '?limit=%', '?limit[]=1', '?__proto__=1', '?limit=1e9', '?%E0'),
    part.map((raw) => `?limit=${raw}`),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 6 }),
      query,
      fc.boolean(),
      async (parts, q, get) => {
        const path = `/v2/${parts.join('/')}${q}`;
        const answer = await (get ? http.get(path) : http.post(path).send({ flag: 'success' }));
        isFine(answer.status, answer.body);
      },
    ),
    RUNS,
  );
});
