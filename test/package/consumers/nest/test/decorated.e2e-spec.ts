import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { logTask } from 'phospho-express';
import request from 'supertest';
import { define, unrecorded } from './controllers';
import { closeApps, outline, type RecordedApp, recordedApp } from './recorded-app';

const plain = define(unrecorded);
const decorated = define(logTask);
type Name = keyof typeof decorated;
const NAMES = Object.keys(decorated) as Name[];
const path = (name: Name): string => name.toLowerCase();

const chat = { messages: [{ role: 'user', content: 'chains' }] };

/** The handler of the last request, as guards and interceptors see it. */
let handled: unknown;

@Injectable()
class Noting implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    handled = context.getHandler();
    return true;
  }
}

const appWith = (controllers: object): Promise<RecordedApp> =>
  recordedApp({
    controllers: Object.values(controllers),
    providers: [{ provide: APP_GUARD, useClass: Noting }],
  });

let bare: RecordedApp;
let recorded: RecordedApp;

beforeAll(async () => {
  bare = await appWith(plain);
  recorded = await appWith(decorated);
});

afterAll(closeApps);

describe.each(NAMES)('a controller with @logTask (%s)', (name) => {
  const ask = ({ app }: RecordedApp, role: string, shop = '7', body: object = chat) =>
    request(app.getHttpServer())
      .post(`/${path(name)}/${shop}?limit=5`)
      .set('x-role', role)
      .send(body);

  it('is guarded by what its method says of itself', async () => {
    const refused = await ask(recorded, 'guest');
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual((await ask(bare, 'guest')).body);
    const [event, ...others] = await recorded.events();
    expect(others).toEqual([]);
    // The method was not called.
    expect(event).toMatchObject({ input: 'chains', metadata: { status: 403, outcome: 'error' } });
    expect(outline(event?.metadata ?? {})).toBe('');
  });

  it('gets what its pipes make of the request, and answers as its decorators say', async () => {
    const { status, body, headers } = await ask(recorded, 'owner');
    expect({ status, body }).toEqual({ status: 202, body: { content: 'number true chains 5' } });
    expect(headers['x-shop']).toBe('open');
    const [event, ...others] = await recorded.events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ input: 'chains', output: 'number true chains 5' });
    const steps = {
      Above: 'Above.ask',
      Below: 'Below.ask',
      // One record, though decorated twice: the upper one's name.
      Between: 'outer',
      Heir: 'Heir.ask',
      Overriding: 'Overriding.ask(Overriding.ask)',
    };
    expect(outline(event ?? {})).toBe(steps[name]);
  });

  it.each([
    ['a parameter', 'x', chat],
    ['a body', '7', { messages: [{ role: 'robot', content: 'x' }] }],
  ])('refuses %s that a pipe refuses, in the same words', async (_what, shop, body) => {
    const refused = await ask(recorded, 'owner', shop, body);
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual((await ask(bare, 'owner', shop, body)).body);
    await recorded.events();
  });

  it('is handed to guards as the method of its class', async () => {
    await ask(recorded, 'owner');
    expect(handled).toBe(decorated[name].prototype.ask);
    await recorded.events();
  });

  it('has the name, the length and all the metadata of the method', () => {
    const method = decorated[name].prototype.ask;
    const without = plain[name].prototype.ask;
    expect(
      Object.fromEntries(keysOf(without).map((key) => [key, Reflect.getMetadata(key, method)])),
    ).toEqual(
      Object.fromEntries(keysOf(without).map((key) => [key, Reflect.getMetadata(key, without)])),
    );
    expect(keysOf(without).length).toBeGreaterThanOrEqual(5);
    // Ours is the only one more, and no name that another library might mean.
    expect(new Set(keysOf(method).filter((key) => typeof key !== 'symbol'))).toEqual(
      new Set(keysOf(without)),
    );
    if (name !== 'Between') expect([method.name, method.length]).toEqual(['ask', 3]);
  });

  it('has the metadata of parameters and types, which are kept with the class', () => {
    for (const key of ['design:type', 'design:paramtypes', 'design:returntype', 'throttled']) {
      expect(Reflect.getMetadata(key, decorated[name].prototype, 'ask')).toEqual(
        Reflect.getMetadata(key, plain[name].prototype, 'ask'),
      );
    }
    expect(Reflect.getMetadata('design:returntype', decorated[name].prototype, 'ask')).toBe(
      Promise,
    );
    const args = Reflect.getMetadata('__routeArguments__', decorated[name], 'ask');
    expect(Object.keys(args)).toHaveLength(3);
    expect(Object.keys(args)).toEqual(
      Object.keys(Reflect.getMetadata('__routeArguments__', plain[name], 'ask')),
    );
  });
});

it('lets anybody call a method that names no role', async () => {
  for (const name of ['above', 'below', 'heir']) {
    await request(recorded.app.getHttpServer()).get(`/${name}/open`).expect(200, 'anybody');
  }
});

it('has the same OpenAPI document as without @logTask, schemas and all', () => {
  const document = ({ app }: RecordedApp): object =>
    JSON.parse(JSON.stringify(SwaggerModule.createDocument(app, new DocumentBuilder().build())));
  expect(document(recorded)).toEqual(document(bare));
  expect(document(recorded)).toMatchObject({
    paths: {
      '/above/{shop}': {
        post: {
          deprecated: true,
          operationId: 'Above_ask',
          parameters: [{ name: 'shop' }, { name: 'limit' }, { name: 'x-role' }],
        },
      },
      '/heir/{shop}': { post: { summary: 'Ask' } },
    },
    components: { schemas: { ChatDto: { required: ['messages'] } } },
  });
});

function keysOf(method: object): unknown[] {
  return Reflect.getMetadataKeys(method);
}
