import type { JsonObject, ToolCall, Usage } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';

export type { ToolCall, Usage };

/** What is known of a request beside its body. */
export interface RequestAbout {
  /** Its path, without the query; empty for the arguments of a function. */
  path: string;
}

/** What a request body says. */
export interface RequestParts {
  /** The text of this turn: what the user asked. */
  input: string;
  systemPrompt?: string | undefined;
  model?: string | undefined;
}

/** What an answer says. */
export interface ResponseParts {
  /** The visible text; reasoning and tool calls are not output. */
  output: string;
  model?: string | undefined;
  usage?: Usage | undefined;
  /** Becomes the metadata's `reasoning`. */
  reasoning?: string | undefined;
  /** What the app is asked to run, in order; becomes the metadata's `tool_calls`. */
  toolCalls?: ToolCall[] | undefined;
  /** In the provider's own word; becomes the metadata's `finish_reason`. */
  finishReason?: string | undefined;
  /** Set when the answer is an error, also one inside a stream that began with 200. */
  error?: string | undefined;
  /** Whatever else is worth keeping; added to the task's metadata. */
  metadata?: JsonObject | undefined;
}

/** The parts of a streamed answer, and the answer put together in the provider's non-streamed shape. */
export interface StreamedParts extends ResponseParts {
  /** Becomes `raw_output`. */
  raw?: unknown;
}

/** Puts one streamed answer together. */
export interface StreamReader {
  /** Called for each event, the first one included. */
  push(event: StreamEvent): void;
  /** Called once; the stream may have broken off anywhere. */
  end(): StreamedParts;
}

/**
 * One shape of requests and answers, of a provider or of an app. Every method may be left out, but one must
 * be there. Each answers undefined for what it does not recognise *exactly*: a format that guesses would record
 * what is nobody's business. All but `isRequest` run once the response is over.
 *
 * @example
 * ```ts
 * const support: Format = {
 *   name: 'support',
 *   request: ({ ticket }) => (typeof ticket === 'string' ? { input: ticket } : undefined),
 *   isRequest: ({ ticket }) => typeof ticket === 'string',
 *   response: ({ reply }) => (typeof reply === 'string' ? { output: reply } : undefined),
 *   stream({ event }) {
 *     if (event !== 'reply') return undefined;
 *     const pieces: string[] = [];
 *     return {
 *       push: ({ data }) => void pieces.push(data),
 *       end: () => ({ output: pieces.join('') }),
 *     };
 *   },
 * };
 * app.use(phospho.middleware({ formats: [support] }));
 * ```
 */
export interface Format {
  /** Names it in messages. */
  readonly name: string;
  /** A request's body, or the only argument of a wrapped function. */
  request?(body: JsonObject, about: RequestAbout): RequestParts | undefined;
  /**
   * Whether `request` recognises it. Asked while the response waits, so it must not read any text.
   * Default: whether `request` answers anything.
   */
  isRequest?(body: JsonObject): boolean;
  /** A whole answer: a JSON body, or the result of a wrapped function. */
  response?(body: JsonObject): ResponseParts | undefined;
  /** Given the first event that is of this format, a reader for the stream from there on. */
  stream?(first: StreamEvent): StreamReader | undefined;
}
