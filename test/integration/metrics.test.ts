import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Phospho } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { logTasks, phosphoFor, SILENT } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { parsePrometheusText } from '../helpers/prometheus-text.ts';

const APPS: readonly (readonly [string, (phospho: Phospho) => RequestListener])[] = [
  ...EXPRESS_VERSIONS.map(
    ([name, express]) =>
      [name, (phospho: Phospho) => express().use('/metrics', phospho.metrics())] as const,
  ),
  ['node:http', (phospho) => phospho.metrics()],
];

async function read(phospho: Phospho) {
  const { text } = await request(createServer(phospho.metrics())).get('/metrics').expect(200);
  const families = parsePrometheusText(text);
  const samples = new Map([...families.values()].flatMap(({ samples }) => [...samples]));
  return { text, families, value: (key: string) => samples.get(`phospho_${key}`) };
}

describe.each(APPS)('phospho.metrics() on %s', (_name, appOf) => {
  const app = () => appOf(new Phospho({ exporter: new InMemoryExporter() }));

  it('answers GET in the text format 0.0.4, before anything has happened', async () => {
    const { text, headers } = await request(app()).get('/metrics').expect(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const families = parsePrometheusText(text);
    for (const [name, { type, help }] of families) {
      expect(name).toMatch(/^phospho_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(help).toMatch(/\w\.$/);
    }
  });

  it('answers HEAD without a body, and 405 to other methods', async () => {
    const { text, headers } = await request(app()).head('/metrics').expect(200);
    expect(text ?? '').toBe('');
    expect(Number(headers['content-length'])).toBeGreaterThan(1000);
    const { headers: refused } = await request(app()).post('/metrics').send('x').expect(405);
    expect(refused.allow).toBe('GET, HEAD');
  });
});

it('leaves alone a response that is over', async () => {
  const phospho = new Phospho({ exporter: new InMemoryExporter() });
  const server = createServer((req, res) => {
    res.end('answered');
    phospho.metrics()(req, res);
  });
  expect((await request(server).get('/')).text).toBe('answered');
});

it('counts what was delivered, dead-lettered and dropped, and how the batches fared', async () => {
  const double = new PhosphoDouble();
  double.errorInLog = ({ task_id }) => (task_id === 't1' ? 'bad' : undefined);
  double.script = [{ status: 503 }];
  const phospho = phosphoFor({ baseUrl: await double.serve() });
  logTasks(phospho, 3);
  phospho.flag('t0', 'success');
  phospho.flag('t0', 'failure');
  await phospho.flush();
  const { value, families } = await read(phospho);
  expect(value('events_captured_total')).toBe(3);
  expect(value('events_delivered_total')).toBe(2);
  expect(value('events_dead_lettered_total')).toBe(1);
  expect(value('events_dropped_total{reason="queue_full"}')).toBe(0);
  expect(value('flags_captured_total')).toBe(2);
  expect(value('flags_delivered_total')).toBe(1);
  expect(value('flags_dropped_total{reason="superseded"}')).toBe(1);
  // How many batches three events make is up to the machine; the server has counted them.
  const sent = double.asked.filter(({ path }) => path.includes('/log/'));
  expect(value('batches_sent_total')).toBe(sent.length);
  expect(value('batches_failed_total')).toBe(1);
  const frame = '{"batched_log_events":[]}'.length;
  const events = sent.map(({ body, ids }) => body.length - frame - (ids.length - 1));
  expect(value('sent_bytes_total')).toBe(events.reduce((sum, bytes) => sum + bytes));
  expect(value('circuit_state{pipeline="events",state="closed"}')).toBe(1);
  expect(value('circuit_state{pipeline="events",state="open"}')).toBe(0);
  const histogram = families.get('phospho_batch_duration_seconds');
  expect(histogram?.type).toBe('histogram');
  const buckets = [...(histogram?.samples ?? [])].filter(([name]) => name.includes('_bucket{'));
  const counts = buckets.map(([, count]) => count);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(buckets.at(-1)).toEqual(['phospho_batch_duration_seconds_bucket{le="+Inf"}', sent.length]);
  expect(value('batch_duration_seconds_count')).toBe(sent.length);
  expect(value('batch_duration_seconds_sum')).toBeGreaterThan(0);
});

it('the captured are the sum of all places, while the server is down too', async () => {
  const double = new PhosphoDouble();
  double.behave = () => ({ status: 503, headers: { 'retry-after': '300' } });
  const delivery = { maxQueueEvents: 5, lingerMs: 0 };
  const phospho = phosphoFor({ baseUrl: await double.serve(), delivery });
  logTasks(phospho, 8);
  phospho.flag('t7', 'success');
  await phospho.flush({ timeoutMs: 200 });
  const { value, families } = await read(phospho);
  const sum = (name: string): number =>
    [...(families.get(`phospho_${name}`)?.samples.values() ?? [])].reduce((a, b) => a + b);
  const gone = sum('events_delivered_total') + sum('events_dead_lettered_total');
  expect(sum('events_dropped_total')).toBeGreaterThan(0);
  expect(sum('events') + gone + sum('events_dropped_total')).toBe(8);
  expect(value('events{place="queued"}')).toBe(phospho.stats().events.queued);
  expect(value('flags{place="held"}')).toBe(1);
  expect(value('queue_bytes')).toBeGreaterThan(100);
  expect(value('circuit_state{pipeline="events",state="open"}')).toBe(1);
  expect(value('circuit_state{pipeline="events",state="closed"}')).toBe(0);
  expect(families.has('phospho_spool_bytes')).toBe(false);
});

it('tells of the spool where there is one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'phospho-metrics-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const double = new PhosphoDouble();
  double.behave = () => 'hang';
  const baseUrl = await double.serve();
  const phospho = phosphoFor({ baseUrl, spool: { dir }, delivery: { lingerMs: 0 } });
  logTasks(phospho, 2);
  await double.arrived(1);
  const { value } = await read(phospho);
  expect(value('spool_bytes')).toBeGreaterThan(200);
  expect(value('spool_segments')).toBe(1);
  expect(value('spool_failing')).toBe(0);
});

it('counts what is dropped without a key', async () => {
  const phospho = new Phospho({ logger: SILENT });
  logTasks(phospho, 2);
  await phospho.flush();
  expect((await read(phospho)).value('events_dropped_total{reason="unconfigured"}')).toBe(2);
});
