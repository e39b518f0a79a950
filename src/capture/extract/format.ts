import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';

/** Token counts, under the names that travel at the top level of an event. */
export interface Usage {
  /** All input tokens, cached ones included. */
  prompt_tokens?: number;
  completion_tokens?: number;
  total_tokens?: number;
  /** Input tokens read from a cache; part of `prompt_tokens`. */
  cache_read_tokens?: number;
  /** Output tokens spent on thinking; part of `completion_tokens`. */
  reasoning_tokens?: number;
}

/** A tool that the model asked for. */
export interface ToolCall {
  name: string;
  /** As the model wrote them: usually JSON text. */
  arguments?: unknown;
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
  reasoning?: string | undefined;
  toolCalls?: ToolCall[] | undefined;
  finishReason?: string | undefined;
  /** Set when the answer is an error, also one inside a stream that began with 200. */
  error?: string | undefined;
}

/** The parts of a streamed answer, and the answer put together in the provider's non-streamed shape. */
export interface StreamedParts extends ResponseParts {
  raw?: unknown;
}

/** Puts one streamed answer together. */
export interface StreamReader {
  push(event: StreamEvent): void;
  /** May be called on a stream that broke off anywhere. */
  end(): StreamedParts;
}

/**
 * One provider's shapes. Each method answers undefined for what it does not recognise *exactly*: a format
 * that guesses would record what is nobody's business.
 */
export interface Format {
  readonly name: string;
  request?(body: JsonObject): RequestParts | undefined;
  /** Whether `request` recognises it. Asked while the response waits, so it must not read any text. */
  isRequest?(body: JsonObject): boolean;
  response?(body: JsonObject): ResponseParts | undefined;
  /** Given the first event that is of this format, a reader for the stream from there on. */
  stream?(first: StreamEvent): StreamReader | undefined;
}
