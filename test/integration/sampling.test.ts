import type { MiddlewareOptions, Phospho } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS, type Express } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';

const [, express] = EXPRESS_VERSIONS[1] ?? EXPRESS_VERSIONS[0] ?? [];
const ask = (session?: string) => ({
  session_id: session,
  messages: [{ role: 'user', content: 'Lisbon in the rain?' }],
});

function appWith(phospho: Phospho, options: MiddlewareOptions, status = 200): Express {
  if (express === undefined) throw new Error('no express');
  const app = express();
  app.use(phospho.router());
  app.use(phospho.middleware(options));
  app.post('/chat', (_req, res) => void res.status(status).json(completion));
  app.post('/broken', (_req, res) => {
    res.set('Content-Type', 'text/event-stream');
    res.end('data: {"error":{"message":"overloaded"}}\n\n');
  });
  return app;
}

describe('sample', () => {
  it('keeps or leaves out whole conversations, in all processes alike, at about its rate', async () => {
    const kept: Set<unknown>[] = [];
    for (let replica = 0; replica < 2; replica++) {
      const { phospho, events } = testPhospho();
      const app = appWith(phospho, { sample: 0.3 });
      for (let session = 0; session < 60; session++) {
        for (let turn = 0; turn < 2; turn++)
          await request(app)
            .post('/chat')
            .send(ask(`s${session}`));
      }
      const sessions = (await events()).map(({ session_id }) => session_id);
      for (const session of sessions) {
        expect(sessions.filter((other) => other === session)).toHaveLength(2);
      }
      kept.push(new Set(sessions));
      const { captured, delivered, parked } = phospho.stats().events;
      expect({ captured, parked: parked + delivered }).toEqual({ captured: 120, parked: 120 });
    }
    expect(kept[0]).toEqual(kept[1]);
    expect(kept[0]?.size).toBeGreaterThan(6);
    expect(kept[0]?.size).toBeLessThan(32);
  });

  it.each([
    [0, 0],
    [1, 3],
    [false, 0],
    [true, 3],
  ])('of %j records %i of 3', async (sample, count) => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, { sample: () => sample });
    for (let i = 0; i < 3; i++) await request(app).post('/chat').send(ask());
    expect(await events()).toHaveLength(count);
  });

  it('sends what was left out once it is flagged, and its flag after it', async () => {
    const { phospho, exporter } = testPhospho();
    const app = appWith(phospho, { sample: 0 });
    const answer = await request(app).post('/chat').send(ask('s'));
    const { 'x-phospho-task-id': taskId = '', 'x-phospho-feedback-token': token } = answer.headers;
    await phospho.flush();
    expect(exporter.events).toEqual([]);
    expect(phospho.stats().events.parked).toBe(1);
    await request(app).post('/phospho/flag').send({ taskId, token, flag: 'failure' }).expect(202);
    const { events, flags } = await phospho.flush();
    expect(exporter.events).toMatchObject([{ task_id: taskId, session_id: 's' }]);
    expect(exporter.flags).toMatchObject([{ taskId, flag: 'failure' }]);
    expect(events).toMatchObject({ parked: 0, delivered: 1 });
    expect(flags.delivered).toBe(1);
  });

  it('sends what is flagged while its answer is under way', async () => {
    const { phospho, exporter } = testPhospho();
    if (express === undefined) throw new Error('no express');
    const app = express();
    app.use(phospho.middleware({ sample: 0 }));
    app.post('/chat', (req, res) => {
      phospho.flag(req.phospho?.taskId ?? '', 'success');
      res.json(completion);
    });
    await request(app).post('/chat').send(ask());
    await phospho.flush();
    expect(exporter.events).toHaveLength(1);
    expect(exporter.flags).toHaveLength(1);
  });

  it.each(['/chat', '/broken'])('sends what ended in an error all the same: %s', async (path) => {
    const { phospho, events } = testPhospho();
    await request(appWith(phospho, { sample: 0 }, 500))
      .post(path)
      .send(ask());
    expect(await events()).toMatchObject([{ metadata: { outcome: 'error' } }]);
  });

  it('keeps 2000 at most of what it leaves out: the oldest make room, and are counted', async () => {
    const { phospho, exporter } = testPhospho();
    const app = appWith(phospho, { sample: 0 });
    const server = app.listen(0);
    const first = await request(server).post('/chat').send(ask());
    for (let i = 0; i < 200; i++) {
      await Promise.all(
        Array.from({ length: 10 }, () => request(server).post('/chat').send(ask())),
      );
    }
    await phospho.flush();
    expect(phospho.stats().events).toMatchObject({ parked: 2000, dropped: { sampled: 1 } });
    phospho.flag(first.headers['x-phospho-task-id'] ?? '', 'failure');
    const { flags } = await phospho.flush();
    expect(exporter.events).toEqual([]);
    expect(flags.deadLettered).toBe(1);
    const { events } = await phospho.shutdown();
    expect(events).toMatchObject({ parked: 0, dropped: { sampled: 2001 } });
    server.close();
  });

  it('that is answered out of its range counts as all, and is said once', async () => {
    const said: string[] = [];
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (line: string) => void said.push(line),
    };
    const { phospho, events } = testPhospho({ logger });
    const app = appWith(phospho, { sample: () => 7 });
    for (let i = 0; i < 2; i++) await request(app).post('/chat').send(ask());
    expect(await events()).toHaveLength(2);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('sample of middleware() must be a number from 0 to 1');
  });

  it.each([1.1, -0.1, Number.NaN, 'half', null])('of %j is refused', (sample) => {
    const { phospho } = testPhospho();
    expect(() => phospho.middleware({ sample: sample as never })).toThrow(
      /sample must be a number from 0 to 1, a boolean, or a function that answers one, got /,
    );
  });
});
