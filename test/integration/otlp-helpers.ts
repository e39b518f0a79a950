import { agent } from 'supertest';
import { onTestFinished, vi } from 'vitest';
import type { Collector, CollectorOptions } from '../../src/collector/index.ts';
import type { Step, TaskContent } from '../../src/types.ts';
import { startCollector } from './collector-helpers.ts';

/** Spans wait for others of their trace, some for longer. */
const PATIENCE = { timeout: 40_000, interval: 50 };

export async function startTracing(options: CollectorOptions = {}): Promise<{
  collector: Collector;
  /** Sends OTLP/JSON. */
  send: (body: unknown, path?: string) => ReturnType<ReturnType<typeof agent>['post']>;
  get: (path: string) => ReturnType<ReturnType<typeof agent>['get']>;
  tasks: () => Promise<TaskContent[]>;
  /** All tasks, once there are tasks that fit. */
  tasksWhen: (fits: (tasks: TaskContent[]) => boolean) => Promise<TaskContent[]>;
}> {
  const { collector, get } = await startCollector(options);
  const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
  const tasks = async () => (await get('/projects/demo/tasks').expect(200)).body.tasks;
  return {
    collector,
    get,
    send: (body, path = '/v1/traces') => http.post(path).type('json').send(JSON.stringify(body)),
    tasks,
    tasksWhen: (fits) =>
      vi.waitFor(async () => {
        const found: TaskContent[] = await tasks();
        if (!fits(found)) throw new Error(`not yet: ${JSON.stringify(found).slice(0, 2000)}`);
        return found;
      }, PATIENCE),
  };
}

/** A collector on a port, and where an exporter finds it. */
export async function listeningCollector(): Promise<
  Awaited<ReturnType<typeof startTracing>> & { url: string; headers: Record<string, string> }
> {
  const started = await startTracing();
  await started.collector.listen();
  return {
    ...started,
    url: started.collector.url,
    headers: { authorization: `Bearer ${started.collector.apiKey}` },
  };
}

export const stepsOf = (task: TaskContent | undefined): Step[] =>
  (task?.metadata?.steps ?? []) as Step[];

/** What two foldings of the same spans must agree on. */
export function contentOf({ task_position: _p, is_last_task: _l, ...task }: TaskContent): unknown {
  return task;
}

export const hex = (number: number, digits: number): string =>
  number.toString(16).padStart(digits, '0');

interface SpanSpec {
  id: number;
  parent?: number;
  trace?: number;
  name?: string;
  start?: number;
  end?: number;
  attributes?: Record<string, unknown>;
  events?: { name: string; attributes?: Record<string, unknown> }[];
  status?: { code: number; message?: string };
}

const T0 = 1_790_000_000_000;

/** A span as OTLP/JSON has it; times in milliseconds after a start. */
export function span({
  id,
  parent,
  trace = 1,
  start = id,
  end = start + 1,
  ...rest
}: SpanSpec): object {
  return {
    traceId: hex(trace, 32),
    spanId: hex(id, 16),
    ...(parent !== undefined && { parentSpanId: hex(parent, 16) }),
    name: rest.name ?? `span ${id}`,
    kind: 1,
    startTimeUnixNano: `${T0 + start}000000`,
    endTimeUnixNano: `${T0 + end}000000`,
    attributes: keyValues(rest.attributes),
    events: (rest.events ?? []).map((event) => ({
      name: event.name,
      timeUnixNano: `${T0 + start}000000`,
      attributes: keyValues(event.attributes),
    })),
    ...(rest.status && { status: rest.status }),
  };
}

export function keyValues(attributes: Record<string, unknown> = {}): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: keyValues(value as Record<string, unknown>) } };
}

export function request(
  spans: readonly object[],
  resource: Record<string, unknown> = {},
  scope = 'app',
): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: scope }, spans }],
      },
    ],
  };
}

export function closeLater(close: () => unknown): void {
  onTestFinished(async () => {
    await close();
  });
}
