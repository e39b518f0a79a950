import type OpenAI from 'openai';
import { logTask } from 'phospho-express';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export type Chunk = OpenAI.ChatCompletionChunk;

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

  /** The answer in the provider's own chunks; of those, phospho reads text, model and tokens by itself. */
  @logTask({ input: ({ model, messages }: Question) => ({ model, messages }) })
  async *answer({ model, messages, chatId, signal }: Question): AsyncGenerator<Chunk> {
    yield* await this.#openai.chat.completions.create(
      {
        model,
        messages,
        stream: true,
        stream_options: { include_usage: true }, // the last chunk counts the tokens
        ...(chatId ? { prompt_cache_key: chatId } : {}),
      },
      { signal },
    );
  }
}
