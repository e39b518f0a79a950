import { agent } from 'supertest';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';

vi.mock('libsql', () => {
  throw new Error('Cannot find package');
});

const hasOwnDriver = process.getBuiltinModule('node:sqlite') !== undefined;

test.runIf(hasOwnDriver)(
  'where Node has SQLite, the collector needs no libsql: Node’s own driver stores it all',
  async () => {
    const collector = await createCollector({ database: 'sqlite::memory:', port: 0 });
    onTestFinished(() => collector.close());
    const http = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
    const batched_log_events = [{ task_id: 't', session_id: 's', input: 'x' }];
    await http.post('/v2/log/demo').send({ batched_log_events }).expect(200);
    const { body } = await http.get('/v2/tasks/t').expect(200);
    expect(body).toMatchObject({ id: 't', input: 'x' });
  },
);

test.runIf(!hasOwnDriver)(
  'where Node has no SQLite and libsql is missing, the error says what to install',
  async () => {
    await expect(createCollector({ database: 'sqlite::memory:', port: 0 })).rejects.toThrow(
      /no built-in SQLite driver .* npm install libsql/,
    );
  },
);
