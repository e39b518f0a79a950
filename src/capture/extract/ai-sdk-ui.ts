import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { MessageBuilder, readUiMessage, sdkUsage } from './ai-sdk-message.ts';
import { streamError } from './errors.ts';
import type { Format, StreamedParts, StreamReader, Usage } from './format.ts';
import { asString, isObject } from './text.ts';

/**
 * The Vercel AI SDK's UI message stream (versions 5 and 6), and what `fullStream` and a model's `doStream` yield
 * in memory. Requests are chat bodies with `parts`.
 * Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export const aiSdkUi: Format = {
  name: 'ai-sdk-ui',
  response: (body) => (isUiMessage(body) ? readUiMessage(body) : undefined),
  stream: ({ json }) => (isObject(json) && isFirst(json) ? new UiReader() : undefined),
};

function isUiMessage({ role, parts }: JsonObject): boolean {
  return (
    role === 'assistant' &&
    Array.isArray(parts) &&
    parts.length > 0 &&
    parts.every((part) => isObject(part) && typeof part.type === 'string')
  );
}

/** Events with which a message may begin; `start` alone could be any app's. */
const FIRST = new Set<unknown>(['start-step', 'text-start', 'reasoning-start', 'tool-input-start']);

function isFirst({
  type,
  id,
  delta,
  text,
  textDelta,
  messageId,
  messageMetadata,
  toolCallId,
  modelId,
  warnings,
}: JsonObject): boolean {
  if (type === 'stream-start') return Array.isArray(warnings);
  if (type === 'response-metadata') return typeof modelId === 'string';
  if (type === 'start') return typeof messageId === 'string' || isObject(messageMetadata);
  if (type === 'tool-input-available') return typeof toolCallId === 'string';
  if (type !== 'text-delta') return FIRST.has(type);
  return (
    typeof textDelta === 'string' || (typeof id === 'string' && typeof (delta ?? text) === 'string')
  );
}

class UiReader implements StreamReader {
  readonly #message = new MessageBuilder();
  #error: string | undefined;
  #finish: string | undefined;
  #model: string | undefined;
  #usage: Usage | undefined;

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json)) return;
    const { type, id, messageId, messageMetadata, finishReason, toolCallId } = json;
    this.#message.id ??= messageId;
    if (isObject(messageMetadata)) Object.assign(this.#message.metadata, messageMetadata);
    const finish = isObject(finishReason) ? finishReason.unified : finishReason;
    if (typeof finish === 'string') this.#finish = finish;
    this.#usage = sdkUsage(json.totalUsage ?? json.usage) ?? this.#usage;
    if (type === 'response-metadata') this.#model = asString(json.modelId) ?? this.#model;
    if (isObject(json.response)) this.#model = asString(json.response.modelId) ?? this.#model;
    const name = asString(type) ?? '';
    const [, kind, step] = /^(text|reasoning)(?:-(start|delta))?$/.exec(name) ?? [];
    if (kind === 'text' || kind === 'reasoning') {
      if (step === 'start') this.#message.begin(kind, id);
      else this.#message.text(kind, id, json.delta ?? json.text ?? json.textDelta);
    } else if (name.startsWith('tool-')) this.#pushTool(name, toolCallId ?? id, json);
  }

  end(): StreamedParts {
    const raw = this.#message.finish();
    const parts = readUiMessage(raw);
    return {
      ...parts,
      model: parts.model ?? this.#model,
      usage: parts.usage ?? this.#usage,
      finishReason: this.#finish ?? parts.finishReason,
      error: this.#error,
      raw,
    };
  }

  #pushTool(type: string, id: unknown, json: JsonObject): void {
    const { toolName, input, args, providerExecuted, output, result, errorText } = json;
    const fields = { toolName, input: input ?? args, providerExecuted };
    if (type === 'tool-input-delta') this.#message.tool(id, {}, json.inputTextDelta ?? json.delta);
    else if (/^tool-(input-|call)/.test(type)) this.#message.tool(id, fields);
    else if (/^tool-(output-|result)/.test(type)) {
      this.#message.tool(id, { output: output ?? result, errorText });
    }
  }
}
