import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import express from 'express';
import request from 'supertest';
import { expect, it, onTestFinished } from 'vitest';
import { phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

/** A context of OpenTelemetry's, as immutable as its own. */
class Context {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown> = new Map()) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new Context(new Map([...this.#values, [key, value]]));
  }
}

const SUPPRESSED = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

/** What `context.setGlobalContextManager()` leaves, until the test ends. */
function registerContextManager(manager: object): void {
  const key = Symbol.for('opentelemetry.js.api.1');
  Reflect.set(globalThis, key, { version: '1.9.0', context: manager });
  onTestFinished(() => void Reflect.deleteProperty(globalThis, key));
}

/** Each request that undici makes, told of where an instrumentation of it would make its span. */
function onUndiciRequest(told: (path: string) => void): void {
  const listener = (message: unknown): void =>
    told((message as { request: { path: string } }).request.path);
  subscribe('undici:request:create', listener);
  onTestFinished(() => void unsubscribe('undici:request:create', listener));
}

it("requests of ours are no spans, and of no request's trace, where the app traces undici", async () => {
  const storage = new AsyncLocalStorage<Context>();
  const active = (): Context => storage.getStore() ?? new Context();
  registerContextManager({
    active,
    with: <R>(context: Context, run: () => R): R => storage.run(context, run),
  });
  const seen: { path: string; isSuppressed: unknown; span: unknown }[] = [];
  onUndiciRequest((path) => {
    seen.push({ path, isSuppressed: active().getValue(SUPPRESSED), span: active().getValue(SPAN) });
  });
  const double = new PhosphoDouble();
  const phospho = phosphoFor({ baseUrl: await double.serve(), delivery: { lingerMs: 0 } });

  const app = express();
  app.use((_req, _res, next) => storage.run(active().setValue(SPAN, 'of the request'), next));
  app.use(phospho.middleware());
  const spans: unknown[] = [];
  app.post('/chat', (req, res) => {
    res.once('finish', () => spans.push(active().getValue(SPAN)));
    if (req.phospho) phospho.flag(req.phospho.taskId, 'success');
    spans.push(active().getValue(SPAN), active().getValue(SUPPRESSED));
    res.json({ content: 'a' });
  });
  const asked = { messages: [{ role: 'user', content: 'hi' }] };
  await request(app).post('/chat').send(asked).expect(200);
  await double.arrived(2);
  await phospho.flush();

  expect(seen.map(({ path }) => path.replace(/task_[\w-]+/, ':id'))).toEqual([
    expect.stringContaining('/log/'),
    expect.stringContaining('/flag'),
  ]);
  for (const { isSuppressed, span } of seen) {
    expect({ isSuppressed, span }).toEqual({ isSuppressed: true, span: undefined });
  }
  // The app's own code is where it was.
  expect(spans).toEqual(['of the request', undefined, 'of the request']);
});
