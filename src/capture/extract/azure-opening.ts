import type { StreamEvent } from '../sse.ts';
import type { StreamedParts, StreamReader } from './format.ts';
import { firstChoice } from './openai-message.ts';
import { isObject } from './text.ts';

/**
 * Azure opens a stream with word of its content filter, in chats and in completions alike; the first choice tells
 * which of them it is.
 * Source: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
 */
export class AzureOpening implements StreamReader {
  #reader: StreamReader;
  /** Undefined once it is known what the stream is. */
  #makeCompletion: (() => StreamReader) | undefined;
  #opening: StreamEvent | undefined;

  constructor(chat: StreamReader, makeCompletion: () => StreamReader) {
    this.#reader = chat;
    this.#makeCompletion = makeCompletion;
  }

  push(event: StreamEvent): void {
    const choice = isObject(event.json) ? firstChoice(event.json.choices) : undefined;
    if (choice !== undefined) this.#decide(typeof choice.text === 'string' && !choice.delta);
    else if (this.#makeCompletion) this.#opening ??= event;
    this.#reader.push(event);
  }

  end(): StreamedParts {
    return this.#reader.end();
  }

  #decide(isCompletion: boolean): void {
    if (this.#makeCompletion && isCompletion) {
      this.#reader = this.#makeCompletion();
      if (this.#opening) this.#reader.push(this.#opening);
    }
    this.#makeCompletion = undefined;
    this.#opening = undefined;
  }
}
