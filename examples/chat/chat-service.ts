import type OpenAI from 'openai';
import { logTask } from 'phospho-express';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Question {
  model: string;
  messages: Message[];
  chatId?: string;
  /** Stops the model when the reader has left. */
  signal: AbortSignal;
}

/** Talks to the model. Inside a captured request, `@logTask` makes each call a step of the task. */
export class ChatService {
  readonly #openai: OpenAI;

  constructor(openai: OpenAI) {
    this.#openai = openai;
  }

  /** The answer, piece by piece. */
  @logTask({ input: ({ messages }: Question) => ({ messages }) })
  async *answer({ model, messages, chatId, signal }: Question): AsyncGenerator<string> {
    const stream = await this.#openai.chat.completions.create(
      { model, messages, stream: true, ...(chatId ? { prompt_cache_key: chatId } : {}) },
      { signal },
    );
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content;
      if (text) yield text;
    }
  }
}
