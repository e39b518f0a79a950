import type { JsonObject } from '../../types.ts';
import type { ResponseParts, ToolCall, Usage } from './format.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { anyText, asString, isObject } from './text.ts';
import { usageOf } from './usage.ts';

interface Part extends JsonObject {
  type: string;
  pieces: Pieces;
}

interface Tool extends JsonObject {
  type: string;
  toolName?: string;
  input?: unknown;
  /** The arguments as they arrive. */
  pieces: Pieces;
}

/** A UIMessage of the Vercel AI SDK as it grows: texts, reasoning and tool calls, in their order. */
export class MessageBuilder {
  id: unknown;
  metadata: JsonObject = {};
  readonly #parts = new Slots<Part | Tool>();

  text(type: 'text' | 'reasoning', id: unknown, piece: unknown): void {
    if (typeof piece !== 'string') return;
    this.#parts
      .open(`${type}:${anyText(id)}`, () => ({ type, pieces: new Pieces() }))
      ?.pieces.push(piece);
  }

  /** A part of this id begins, also where an earlier step has used the id before. */
  begin(type: 'text' | 'reasoning', id: unknown): void {
    this.#parts.add(`${type}:${anyText(id)}`, { type, pieces: new Pieces() });
  }

  tool(id: unknown, fields: JsonObject, piece?: unknown): void {
    const tool = this.#parts.open(`tool:${anyText(id)}`, () => ({
      type: 'dynamic-tool',
      toolCallId: id,
      pieces: new Pieces(),
    }));
    if (tool === undefined) return;
    for (const [key, value] of Object.entries(fields)) if (value !== undefined) tool[key] = value;
    if (typeof piece === 'string') tool.pieces.push(piece);
  }

  /** As the SDK would save it. */
  finish(): JsonObject {
    const parts = this.#parts.all.map(({ pieces, ...part }) => {
      const text = pieces.toString();
      const isText = part.type === 'text' || part.type === 'reasoning';
      if (isText) return { ...part, text };
      // A call that broke off has its arguments as far as they came.
      const { toolName, type, input, ...rest } = part as Omit<Tool, 'pieces'>;
      return {
        type: typeof toolName === 'string' ? `tool-${toolName}` : type,
        ...rest,
        input: input ?? (text || undefined),
      };
    });
    return {
      ...(this.id === undefined ? {} : { id: this.id }),
      role: 'assistant',
      parts: parts.filter((part) => !('text' in part) || part.text !== ''),
      ...(Object.keys(this.metadata).length > 0 ? { metadata: this.metadata } : {}),
    };
  }
}

/** What a UIMessage says; its own metadata may hold model and usage. */
export function readUiMessage({ parts, metadata }: JsonObject): ResponseParts {
  const known = (Array.isArray(parts) ? parts : []).filter(isObject);
  const about = isObject(metadata) ? metadata : {};
  const calls = known.flatMap((part) => (part.providerExecuted === true ? [] : callOf(part)));
  const ran = known.flatMap((part) => (part.providerExecuted === true ? callOf(part) : []));
  return {
    output: textOf(known, 'text'),
    model: asString(about.model) ?? asString(about.modelId),
    usage: sdkUsage(about.totalUsage ?? about.usage),
    reasoning: textOf(known, 'reasoning') || undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
    finishReason: asString(about.finishReason),
    metadata: { provider_tool_calls: ran.length > 0 ? ran : undefined },
  };
}

function textOf(parts: readonly JsonObject[], type: string): string {
  return parts.map((part) => (part.type === type ? (asString(part.text) ?? '') : '')).join('');
}

function callOf({ type, toolName, input, toolInvocation: call }: JsonObject): ToolCall[] {
  // As version 4 saves it.
  if (isObject(call)) return callOf({ toolName: call.toolName, input: call.args });
  if (typeof toolName === 'string') return [{ name: toolName, arguments: input }];
  const name = /^tool-(.+)$/.exec(asString(type) ?? '')?.[1];
  return name === undefined ? [] : [{ name, arguments: input }];
}

/** `inputTokens` since version 5, `promptTokens` before; a model's own has them by kind, `{ total, … }`. */
export function sdkUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const { inputTokens, outputTokens } = usage;
  const details = isObject(usage.inputTokenDetails) ? usage.inputTokenDetails : {};
  const input = isObject(inputTokens) ? inputTokens : { total: inputTokens };
  const output = isObject(outputTokens) ? outputTokens : { total: outputTokens };
  return usageOf({
    prompt_tokens: input.total ?? usage.promptTokens,
    completion_tokens: output.total ?? usage.completionTokens,
    total_tokens: usage.totalTokens,
    cache_read_tokens: usage.cachedInputTokens ?? details.cacheReadTokens ?? input.cacheRead,
    cache_creation_tokens: details.cacheWriteTokens ?? input.cacheWrite,
    reasoning_tokens: usage.reasoningTokens ?? output.reasoning,
  });
}
