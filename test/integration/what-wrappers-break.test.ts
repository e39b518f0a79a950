import 'reflect-metadata';
import OpenAI from 'openai';
import { logTask } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { chunks, completion, eventStream } from '../fixtures/openai-chat.ts';
import { phosphoFor } from '../helpers/ledger.ts';
import { fakeFetch } from '../helpers/model-servers.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

/*
 * What was found broken in wrappers and decorators of other packages, each as the smallest program that shows it.
 */

/** As NestJS' SetMetadata: on the function that it finds. */
function roles(...names: string[]) {
  return (method: (name: string) => string, _context: ClassMethodDecoratorContext): void =>
    Reflect.defineMetadata('roles', names, method);
}

const SECRET = 'the secret of Ada';

describe('a decorated method', () => {
  class Service {
    readonly greeting = 'Hello';

    @logTask()
    @roles('admin')
    sync(name: string): string {
      return `${this.greeting}, ${name}`;
    }

    @logTask()
    async *stream(...words: string[]): AsyncGenerator<string> {
      yield* words;
    }

    @logTask()
    async fail(): Promise<never> {
      throw new RangeError('too much');
    }
  }

  it('that is sync answers at once; one that is an async generator can be read', async () => {
    testPhospho();
    const service = new Service();
    expect(service.sync('Ada')).toBe('Hello, Ada');
    const words: string[] = [];
    for await (const word of service.stream('a', 'b')) words.push(word);
    expect(words).toEqual(['a', 'b']);
  });

  it('that rejects is recorded, once, as one that resolves', async () => {
    const { events } = testPhospho();
    await expect(new Service().fail()).rejects.toThrow(RangeError);
    expect(await events()).toMatchObject([
      { metadata: { name: 'Service.fail', outcome: 'error', error: 'RangeError: too much' } },
    ]);
  });

  it('has its metadata, its name and its length', () => {
    const { sync } = Service.prototype;
    expect(Reflect.getMetadata('roles', sync)).toEqual(['admin']);
    expect([sync.name, sync.length]).toEqual(['sync', 1]);
  });

  it('has its this', () => {
    testPhospho();
    expect(new Service().sync.call({ greeting: 'Bye' } as never, 'Ada')).toBe('Bye, Ada');
  });
});

describe('a wrapped function', () => {
  it('that is an async generator is recorded when it has been read, with what it gave', async () => {
    const { phospho, events } = testPhospho();
    const tell = phospho.wrap(async function* () {
      yield 'Hel';
      yield 'lo';
    });
    const stream = tell();
    expect(await events()).toEqual([]);
    for await (const _ of stream);
    expect(await events()).toMatchObject([{ output: 'Hello', metadata: { outcome: 'complete' } }]);
  });

  it('has its this', () => {
    const { phospho } = testPhospho();
    const desk = {
      name: 'desk',
      say: phospho.wrap(function (this: { name: string }) {
        return this.name;
      }),
    };
    expect(desk.say()).toBe('desk');
  });

  it('whose stream nobody reads has nothing of it pulled', async () => {
    const { phospho } = testPhospho();
    let pulled = 0;
    const source = phospho.wrap(
      () =>
        new ReadableStream(
          {
            pull(controller) {
              pulled += 1;
              controller.enqueue('x');
              if (pulled === 500) controller.close();
            },
          },
          { highWaterMark: 0 },
        ),
    );
    const stream = source();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(0);
    let read = 0;
    const reader = stream.getReader();
    while (!(await reader.read()).done) read += 1;
    expect([read, pulled]).toEqual([500, 500]);
  });

  it('whose promise is read by then and by catch runs once; one that nobody awaits runs, too', async () => {
    const { phospho, events } = testPhospho();
    let runs = 0;
    const count = phospho.wrap(async () => {
      runs += 1;
    });
    const promise = count();
    void promise.then(() => {});
    void promise.catch(() => {});
    void count();
    await promise;
    expect(runs).toBe(2);
    expect(await events()).toHaveLength(2);
  });

  it.each(['input', 'output', 'metadata', 'sessionId'])(
    'whose hook %s throws runs once, and gives its result',
    async (hook) => {
      const { phospho, events } = testPhospho({ logLevel: 'silent' });
      let runs = 0;
      const fail = (): never => {
        throw new Error('the hook’s');
      };
      const answer = phospho.wrap(
        async () => {
          runs += 1;
          return 'x';
        },
        { [hook]: fail },
      );
      expect(await answer()).toBe('x');
      expect(runs).toBe(1);
      expect(await events()).toHaveLength(1);
    },
  );

  it('whose mask throws is sent without any text, and its caller never hears of it', async () => {
    const double = new PhosphoDouble();
    const phospho = phosphoFor({
      baseUrl: await double.serve(),
      mask: () => {
        throw new Error(SECRET);
      },
    });
    const answer = phospho.wrap(async (question: string) => `re: ${question}`);
    expect(await answer(SECRET)).toBe(`re: ${SECRET}`);
    await phospho.flush();
    expect(double.stored.size).toBe(1);
    for (const { body } of double.asked) expect(body).not.toContain('Ada');
  });
});

describe('an observed client', () => {
  const streamed = { type: 'text/event-stream', body: eventStream(chunks) };
  const asked = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user' as const, content: 'Rain?' }],
  };

  it('has withResponse() on what create() answers', async () => {
    const { phospho, events } = testPhospho();
    const fetch = fakeFetch({ body: completion });
    const client = phospho.observe(new OpenAI({ apiKey: 'k', fetch }));
    const { data, response } = await client.chat.completions.create(asked).withResponse();
    expect([data.id, response.status]).toEqual([completion.id, 200]);
    expect(await events()).toHaveLength(1);
  });

  it('whose stream is left is recorded as aborted, with what came', async () => {
    const { phospho, events } = testPhospho();
    const client = phospho.observe(new OpenAI({ apiKey: 'k', fetch: fakeFetch(streamed) }));
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event?.metadata).toMatchObject({ outcome: 'aborted' });
    expect(event?.output).toBe('Lisbon is');
  });

  it('whose stream fails midway is recorded as an error, with what came', async () => {
    const { phospho, events } = testPhospho();
    const broken = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(eventStream(chunks).slice(0, 600)));
        controller.error(new Error('cut'));
      },
    });
    const fetch = async () =>
      new Response(broken, { headers: { 'content-type': 'text/event-stream' } });
    const client = phospho.observe(new OpenAI({ apiKey: 'k', fetch }));
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow('cut');
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event?.metadata).toMatchObject({ outcome: 'error', error: 'Error: cut' });
  });
});

it('three verdicts on one task reach a slow server without a flush, the last one last', async () => {
  const double = new PhosphoDouble();
  const phospho = phosphoFor({ baseUrl: await double.serve(), delivery: { lingerMs: 0 } });
  const { taskId } = phospho.log({ input: 'x' });
  await double.arrived(1);
  phospho.flag(taskId, 'success');
  phospho.flag(taskId, 'failure');
  await double.arrived(2);
  phospho.flag(taskId, 'success', { notes: 'the last' });
  await expect.poll(() => double.flags.at(-1)?.notes).toBe('the last');
  expect(phospho.stats().flags).toMatchObject({ queued: 0, held: 0 });
});
