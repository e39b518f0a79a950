import {
  type ArgumentsHost,
  Body,
  type CallHandler,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  HttpCode,
  Inject,
  Injectable,
  type MessageEvent,
  type NestInterceptor,
  Param,
  Post,
  Req,
  Res,
  Scope,
  Sse,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import type { Request, Response } from 'express';
import { logTask } from 'phospho-express';
import { interval, map, type Observable, of } from 'rxjs';
import request from 'supertest';
import { ChatController } from '../src/chat/chat.controller';
import { ChatDto } from '../src/chat/chat.dto';
import { ChatService } from '../src/chat/chat.service';
import { Model } from '../src/chat/model';
import { closeApps, outline, type RecordedApp, recordedApp } from './recorded-app';

const chat = (content: string): object => ({
  session_id: `about ${content}`,
  messages: [{ role: 'user', content }],
});

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((content) => ({ content })));
  }
}

class OutOfStock extends Error {}

@Catch(OutOfStock)
class OutOfStockFilter implements ExceptionFilter {
  catch(error: OutOfStock, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(410).json({ content: error.message });
  }
}

/** Made anew for each request, as all that depends on it. */
@Injectable({ scope: Scope.REQUEST })
class Basket {
  constructor(@Inject(REQUEST) private readonly request: Request<{ id: string }>) {}

  @logTask()
  async add(thing: string): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    return `${thing} of ${this.request.params.id}`;
  }
}

/** A request to `slow` has come. */
let reached = (): void => {};
/** It is answered. */
let release = (): void => {};

@Controller('shop')
class ShopController {
  constructor(private readonly basket: Basket) {}

  @Post('wrapped')
  @HttpCode(200)
  @UseInterceptors(Wrapping)
  @logTask()
  async wrapped(@Body() body: ChatDto): Promise<string> {
    return body.question().toUpperCase();
  }

  @logTask()
  @Post('observable')
  @UseInterceptors(Wrapping)
  observable(@Body() body: ChatDto): Observable<string> {
    return of(`one `, `the last of ${body.question()}`);
  }

  @Post('sold-out')
  @UseFilters(OutOfStockFilter)
  @logTask()
  soldOut(@Body() body: ChatDto): never {
    throw new OutOfStock(`no more ${body.question()}`);
  }

  @logTask()
  @Post('basket/:id')
  async fill(@Param('id') id: string, @Body() body: ChatDto): Promise<{ content: string }> {
    const [first, second] = await Promise.all([
      this.basket.add('chain'),
      this.basket.add(body.question()),
    ]);
    return { content: `${first}, ${second}, ${await this.basket.add('bell')} for ${id}` };
  }

  @Post('raw')
  @logTask()
  raw(@Req() req: Request, @Res() res: Response, @Body() body: ChatDto): void {
    res.json({ content: `${req.method} ${body.question()}` });
  }

  @Sse('clock')
  @logTask()
  clock(): Observable<MessageEvent> {
    return interval(1).pipe(map((n) => ({ data: { content: `${n} ` } })));
  }

  @Post('slow')
  @logTask()
  async slow(@Body() body: ChatDto): Promise<{ content: string }> {
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    reached();
    await released;
    return { content: `at last: ${body.question()}` };
  }

  @Get('plain')
  @logTask()
  plain(): string {
    return 'plain';
  }
}

let desk: RecordedApp;
const server = () => desk.app.getHttpServer();

beforeAll(async () => {
  desk = await recordedApp({
    controllers: [ChatController, ShopController],
    providers: [ChatService, Model, Basket],
  });
});

afterAll(closeApps);

describe('the services behind a controller', () => {
  it("are steps of the request's one task", async () => {
    const { headers } = await request(server())
      .post('/chat')
      .set('x-role', 'customer')
      .send(chat('chains'))
      .expect(200, { content: 'You said: chains (page about chains)' });
    const [event, ...others] = await desk.events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      task_id: headers['x-phospho-task-id'],
      session_id: 'about chains',
      input: 'chains',
      output: 'You said: chains (page about chains)',
      metadata: { route: '/chat', status: 200, outcome: 'complete' },
      steps: [
        { name: 'ChatService.find', input: 'chains', output: '["page about chains"]' },
        { name: 'ChatService.answer', outcome: 'complete' },
      ],
    });
  });

  it('may refuse by an exception of Nest, which its filter sees as it was thrown', async () => {
    await request(server())
      .post('/chat')
      .set('x-role', 'customer')
      .send(chat('nothing'))
      .expect(404, { message: 'there is no such bike', error: 'Not Found', statusCode: 404 });
    expect(await desk.events()).toMatchObject([
      {
        metadata: { status: 404, outcome: 'error' },
        steps: [{ name: 'ChatService.find', error: 'NotFoundException: there is no such bike' }],
      },
    ]);
  });

  it('may be read as they stream, through @Res()', async () => {
    await request(server())
      .post('/chat/stream')
      .send(chat('chains'))
      .expect(201, 'You said: chains ');
    expect(await desk.events()).toMatchObject([
      {
        output: 'You said: chains ',
        metadata: { streamed: true, outcome: 'complete' },
        steps: [{ name: 'ChatService.words', output: 'You said: chains ', outcome: 'complete' }],
      },
    ]);
  });

  it('may hand out an Observable, sent by @Sse() and recorded as it is sent', async () => {
    const { text } = await request(server()).get('/chat/events?question=chains').expect(200);
    expect(text.match(/data: .*/g)).toEqual(
      ['You', ' said:', ' chains'].map((content) => `data: ${JSON.stringify({ content })}`),
    );
    const [event, ...others] = await desk.events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      input: 'chains',
      output: 'You said: chains',
      metadata: { streamed: true, outcome: 'complete' },
      steps: [
        {
          name: 'ChatController.events',
          outcome: 'complete',
          steps: [{ name: 'ChatService.told', output: 'You said: chains', outcome: 'complete' }],
        },
      ],
    });
  });
});

describe('a decorated handler', () => {
  it('is heard through interceptors', async () => {
    await request(server())
      .post('/shop/wrapped')
      .send(chat('bell'))
      .expect(200, { content: 'BELL' });
    expect(await desk.events()).toMatchObject([
      { output: 'BELL', steps: [{ name: 'ShopController.wrapped', output: 'BELL' }] },
    ]);
  });

  it('may answer by an Observable', async () => {
    await request(server())
      .post('/shop/observable')
      .send(chat('bells'))
      .expect(201, { content: 'the last of bells' });
    expect(await desk.events()).toMatchObject([
      {
        output: 'the last of bells',
        steps: [{ output: 'one the last of bells', outcome: 'complete' }],
      },
    ]);
  });

  it('throws what its filter is for', async () => {
    await request(server())
      .post('/shop/sold-out')
      .send(chat('bells'))
      .expect(410, { content: 'no more bells' });
    expect(await desk.events()).toMatchObject([
      { metadata: { status: 410 }, steps: [{ outcome: 'error', error: 'Error: no more bells' }] },
    ]);
  });

  it('may be handed request and response, of which nothing is recorded but what they are', async () => {
    const secret = 'sesame-4711';
    await request(server())
      .post('/shop/raw')
      .set('cookie', `login=${secret}`)
      .send(chat('bells'))
      .expect(201, { content: 'POST bells' });
    const [event] = await desk.events();
    expect(event).toMatchObject({ output: 'POST bells', steps: [{ name: 'ShopController.raw' }] });
    expect(JSON.stringify(event)).not.toContain(secret);
    expect(JSON.parse(String(event?.steps?.[0]?.input))).toEqual({
      0: '[request]',
      1: '[response]',
      2: chat('bells'),
    });
  });

  it('is left when its client is, wherever its Observable was', async () => {
    await desk.app.listen(0);
    const leaving = new AbortController();
    const { body } = await fetch(`${await desk.app.getUrl()}/shop/clock`, leaving);
    await body?.getReader().read();
    leaving.abort();
    let events: Awaited<ReturnType<typeof desk.events>>;
    do {
      await new Promise((resolve) => setTimeout(resolve, 5));
      events = await desk.events();
    } while (events.length === 0);
    expect(events).toMatchObject([
      {
        metadata: { route: '/shop/clock', outcome: 'aborted' },
        steps: [{ name: 'ShopController.clock', outcome: 'aborted' }],
      },
    ]);
    expect(events[0]?.steps?.[0]?.output).toMatch(/^\[\{"data":\{"content":"0 "/);
  });

  it('leaves an exchange that no model has a part in as it is', async () => {
    await request(server()).get('/shop/plain').expect(200, 'plain');
    await desk.events();
  });

  it('of a controller made for each request has its own steps, with 20 requests at a time', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `customer ${index}`);
    await Promise.all(
      ids.map((id) =>
        request(server())
          .post(`/shop/basket/${encodeURIComponent(id)}`)
          .send(chat(`tyres for ${id}`))
          .expect(201, {
            content: `chain of ${id}, tyres for ${id} of ${id}, bell of ${id} for ${id}`,
          }),
      ),
    );
    const events = await desk.events();
    expect(events.map(({ input }) => input).sort()).toEqual(
      ids.map((id) => `tyres for ${id}`).sort(),
    );
    for (const event of events) {
      const id = event.input?.replace('tyres for ', '');
      expect(event.session_id).toBe(`about tyres for ${id}`);
      expect(outline(event)).toBe('ShopController.fill(Basket.add Basket.add Basket.add)');
      expect(event.steps?.[0]?.steps?.map(({ output }) => output)).toEqual([
        `chain of ${id}`,
        `tyres for ${id} of ${id}`,
        `bell of ${id}`,
      ]);
    }
  });
});

it('closes once the answers under way are given, and their tasks delivered', async () => {
  const closing = await recordedApp({ controllers: [ShopController], providers: [Basket] });
  await closing.app.listen(0);
  const isReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const response = fetch(`${await closing.app.getUrl()}/shop/slow`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(chat('bells')),
  });
  await isReached;
  const closed = closing.app.close();
  release();
  expect(await (await response).json()).toEqual({ content: 'at last: bells' });
  await closed;
  expect(await closing.events()).toMatchObject([
    { output: 'at last: bells', steps: [{ name: 'ShopController.slow' }] },
  ]);
});
