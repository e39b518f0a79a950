/**
 * What the compiler takes and refuses in this dialect. No test runs it:
 * `npx tsc --noEmit -p test/decorators/legacy && npx tsc --noEmit -p test/decorators/standard`.
 */
import type { Readable } from 'node:stream';
import type { MessageStream } from '@anthropic-ai/sdk/lib/MessageStream';
import type { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import type { ResponseStream } from 'openai/lib/responses/ResponseStream';
import type { ParsedChatCompletion } from 'openai/resources/chat/completions';
import type { ParsedResponse } from 'openai/resources/responses/responses';
import { logTask, Phospho, type ResultOf, wrap } from 'phospho-express';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

class Service {
  @logTask()
  sync(question: string): string {
    return question;
  }

  @logTask({ name: 'answers', as: 'task', capture: 'input' })
  async promise(question: string, chat?: string): Promise<{ answer: string }> {
    return { answer: `${question} ${chat}` };
  }

  @logTask<(question: string) => AsyncGenerator<string>>({
    input: (question) => question.toUpperCase(),
    output: (items) => items.join(''),
  })
  async *stream(question: string): AsyncGenerator<string> {
    yield question;
  }

  @logTask<(question: string, chat: string) => Promise<number>>({
    sessionId: (_question, chat) => chat.trim(),
    output: (count) => count.toFixed(),
    // @ts-expect-error a session id is a string
    userId: (question) => question.length,
  })
  async typed(question: string, chat: string): Promise<number> {
    return question.length + chat.length;
  }

  // Hooks that say what they take are held against the method, in any number of parameters.
  @logTask({
    sessionId: (_question: string, chat: { id: string }) => chat.id,
    input: (question: string) => question,
    output: (items: string[]) => items.join(''),
  })
  async *annotated(question: string, _chat: { id: string }): AsyncGenerator<string> {
    yield question;
  }

  // Untyped hooks take anything.
  @logTask({ metadata: (question, chat) => ({ question, chat }), output: (result) => result.text })
  untyped(question: string, chat: string): { text: string } {
    return { text: question + chat };
  }

  @logTask()
  generic<T>(value: T): T {
    return value;
  }

  overloaded(value: string): string;
  overloaded(value: number): number;
  @logTask()
  overloaded(value: string | number): string | number {
    return value;
  }

  @logTask()
  bound(this: Service): Service {
    return this;
  }

  @logTask()
  protected async inner(): Promise<void> {}

  @logTask()
  static count(values: readonly number[]): number {
    return values.length;
  }
}

const service = new Service();
export const kept: [string, Promise<{ answer: string }>, AsyncGenerator<string>, 7, number] = [
  service.sync('a'),
  service.promise('a'),
  service.stream('a'),
  service.generic<7>(7),
  Service.count([1]),
];

export const results: [
  Same<ResultOf<() => Promise<string>>, string>,
  Same<ResultOf<() => AsyncGenerator<number>>, number[]>,
  Same<ResultOf<() => Promise<AsyncIterable<{ id: string }>>>, { id: string }[]>,
  Same<ResultOf<() => Generator<boolean>>, boolean[]>,
  Same<ResultOf<() => string[]>, string[]>,
  Same<ResultOf<Service['generic']>, unknown>,
  Same<ResultOf<() => ReadableStream<{ id: string }>>, { id: string }[]>,
  Same<ResultOf<() => Promise<ReadableStream<Uint8Array>>>, string[]>,
  Same<ResultOf<() => AsyncGenerator<Buffer | number>>, (string | number)[]>,
  // biome-ignore lint/suspicious/noExplicitAny: Node's own type of what a Readable holds
  Same<ResultOf<() => Readable>, any[]>,
  Same<ResultOf<typeof fetch>, string[]>,
  Same<ResultOf<() => MessageStream>, Awaited<ReturnType<MessageStream['finalMessage']>>>,
  Same<ResultOf<() => ChatCompletionStream<null>>, ParsedChatCompletion<null>>,
  Same<ResultOf<() => ResponseStream<null>>, ParsedResponse<null>>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true];

// A wrapped function is of the type of the function.
const wrapped = wrap(async (question: string, times = 1) => question.repeat(times), {
  input: (question, times) => `${question.trim()} ${times?.toFixed()}`,
  output: (answer) => answer.trim(),
});
export const fitting: (question: string, times?: number) => Promise<string> = wrapped;
export const member: () => number = new Phospho().wrap(() => 1);

// @ts-expect-error of its own parameters
wrapped(1);
// @ts-expect-error no function
wrap('text');
// @ts-expect-error no such option
wrap(() => 1, { names: 'x' });
// @ts-expect-error a step is what it is anyway
logTask({ as: 'step' });

// @ts-expect-error on a class
@logTask()
class OnClass {}

class Misplaced {
  // @ts-expect-error on a field
  @logTask()
  field = 1;

  // @ts-expect-error on a field that holds a function
  @logTask()
  arrow = (): number => 1;

  // @ts-expect-error on a static field
  @logTask()
  static shared = 1;

  // @ts-expect-error on a getter
  @logTask()
  get value(): number {
    return 1;
  }

  // @ts-expect-error on a setter
  @logTask()
  set other(_value: number) {}

  // @ts-expect-error on an accessor
  @logTask()
  accessor auto = 1;

  // @ts-expect-error without parentheses
  @logTask
  bare(): void {}

  // @ts-expect-error without parentheses
  @logTask
  static bareToo(): void {}

  // @ts-expect-error a hook takes other arguments than the method
  @logTask({ sessionId: (count: number) => count.toFixed() })
  otherArguments(text: string): string {
    return text;
  }

  // @ts-expect-error a hook takes another result than the method's
  @logTask({ output: (count: number) => count })
  otherResult(text: string): string {
    return text;
  }

  // @ts-expect-error no such option
  @logTask({ name: 'x', sesionId: (text: string) => text })
  misspelt(text: string): string {
    return text;
  }

  // @ts-expect-error typed by another method
  @logTask<(count: number) => number>({ input: (count) => count })
  otherwise(text: string): string {
    return text;
  }

  @logTask()
  async #secret(question: string): Promise<string> {
    return question;
  }

  ask(): Promise<string> {
    return this.#secret('a');
  }
}

export const misplaced: unknown[] = [OnClass, Misplaced];
