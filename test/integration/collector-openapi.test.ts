import { Validator } from '@seriousme/openapi-schema-validator';
import express from 'express';
import { agent } from 'supertest';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { documentOf } from '../../src/collector/openapi/document.ts';
import { keyed } from '../../src/collector/routes/route.ts';
import { ROUTES } from '../../src/collector/routes/routes.ts';
import { DOCUMENT, layersOf, watchAnswers } from './checked-answers.ts';
import { startCollector } from './collector-helpers.ts';

interface Operation {
  summary: string;
  responses: object;
  requestBody?: { content: { 'application/json': { example?: object } } };
}

describe('/openapi.json', () => {
  test('is a valid OpenAPI 3.1 document, for everybody', async () => {
    const { collector } = await startCollector();
    const { body } = await agent(collector.app).get('/openapi.json').expect(200);
    const { valid, errors } = await new Validator().validate(body);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(body.openapi).toBe('3.1.1');
  });

  test('tells of every route that the app has, and of no other', async () => {
    const { collector } = await startCollector();
    const { body } = await agent(collector.app).get('/openapi.json');
    const layers = layersOf(collector.app) as {
      route?: { path: string };
      handle: { stack?: { route?: { path: unknown } }[] };
    }[];
    const atRoot = layers.map(({ route }) => route?.path);
    const below = (layer: (typeof layers)[number]) => layer.handle.stack ?? [];
    const routers = layers.filter((layer) => below(layer).length > 0);
    const v2 = routers.find((layer) => below(layer).some(({ route }) => route?.path === '/tasks'));
    expect(v2).toBeDefined();
    const served = [...atRoot, ...below(v2!).map(({ route }) => `/v2${String(route?.path)}`)]
      .filter((path) => path !== undefined && path !== '/')
      .map((path) => String(path).replace(/:(\w+)/g, '{$1}'));
    expect(Object.keys(body.paths).sort()).toEqual([...new Set(served)].sort());
    // The other router is the dashboard's, whose API is for its own pages.
    expect(routers).toHaveLength(2);
  });

  test('describes each operation: summary, answers, errors, and a body that may be sent as it is', async () => {
    const { collector, post, admin } = await startCollector({ flagWaitMs: 0 });
    const { body } = await agent(collector.app).get('/openapi.json');
    for (const [path, operations] of Object.entries<Record<string, Operation>>(body.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        expect(operation.summary, path).toMatch(/\w/);
        expect(Object.keys(operation.responses), path).toContain('200');
        expect(Object.keys(operation.responses).some((status) => status >= '400')).toBe(true);
        if (method !== 'post') continue;
        const { example } = operation.requestBody!.content['application/json'];
        if (example === undefined) continue;
        const send = path.startsWith('/v2/admin') ? admin.post : post;
        const { status } = await send(
          path
            .slice(3)
            .replace('{project_id}', 'demo')
            .replace(/\{\w+\}/, 'none'),
          example,
        );
        expect([200, 404, 501], path).toContain(status);
      }
    }
  });

  test('says where it is mounted in another app', async () => {
    const { collector } = await startCollector();
    const { body } = await agent(express().use('/phospho', collector.app))
      .get('/phospho/openapi.json')
      .expect(200);
    expect(body.servers).toEqual([{ url: '/phospho' }]);
  });

  test('cannot be made of a route whose answer has no named schema', () => {
    const [first] = ROUTES;
    const route = keyed({
      method: 'GET',
      scope: 'read',
      path: '/new',
      tag: 'Service',
      summary: 'New',
      answer: z.object({}),
      handle: async () => ({}),
    });
    expect(() => documentOf([first!, route])).toThrow(/has no name/);
  });
});

describe('the check of answers, which every test of the collector’s API passes through,', () => {
  const task = (changes: object) => ({
    ...{ id: 't', created_at: 1, project_id: 'p', org_id: null, session_id: null, input: 'x' },
    ...{ additional_input: null, output: null, additional_output: null, metadata: {}, data: null },
    ...{ flag: null, last_eval: null, human_eval: null, events: [], environment: 'e', notes: null },
    ...{ test_id: null, task_position: null, is_last_task: null, ...changes },
  });

  test.each<[string, string, number, object, RegExp | undefined]>([
    ['takes a task', '/v2/tasks/t', 200, task({}), undefined],
    ['takes it at the other spelling', '/v2/tasks/t/', 200, task({}), undefined],
    ['misses a key', '/v2/tasks/t', 200, { ...task({}), input: undefined }, /input/],
    ['finds one too many', '/v2/tasks/t', 200, task({ more: 1 }), /additional properties/],
    ['finds a wrong type', '/v2/tasks/t', 200, task({ created_at: 1.5 }), /integer/],
    ['finds a status that is not told of', '/v2/tasks/t', 418, {}, /does not know this status/],
    ['finds a 500', '/v2/tasks/t', 500, { detail: 'x' }, /does not know this status/],
    ['finds an error without detail', '/v2/tasks/t', 404, { error: 'x' }, /detail/],
    ['finds a route that is not told of', '/v2/new', 200, {}, /no operation/],
  ])('%s', async (_name, path, status, answer, fault) => {
    const app = express();
    app.use((_req, res) => {
      res.status(status).set('x-request-id', '1').json(answer);
    });
    const faults = watchAnswers(app);
    await agent(app).get(path);
    if (fault === undefined) expect(faults).toEqual([]);
    else expect(faults).toEqual([expect.stringMatching(fault)]);
  });

  test('knows the document’s paths', () => {
    expect(Object.keys(DOCUMENT.paths)).toContain('/v2/log/{project_id}');
  });
});
