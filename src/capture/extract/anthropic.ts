import type { JsonObject } from '../../types.ts';
import { MessageReader } from './anthropic-stream.ts';
import type { Format, ResponseParts, ToolCall, Usage } from './format.ts';
import { asString, isObject } from './text.ts';
import { sumOf, usageOf } from './usage.ts';

/**
 * Anthropic's Messages. Requests are chat bodies.
 * Source: https://docs.claude.com/en/api/messages and https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export const anthropic: Format = {
  name: 'anthropic',
  response: (body) => (isMessage(body) ? readMessage(body) : undefined),
  stream: ({ json }) =>
    isObject(json) && isFirst(json) ? new MessageReader(readMessage) : undefined,
};

function isMessage({ type, role, content }: JsonObject): boolean {
  return type === 'message' && role === 'assistant' && Array.isArray(content);
}

function isFirst({ type, message, content_block: block, delta }: JsonObject): boolean {
  if (type === 'message_start') return isObject(message);
  return type === 'content_block_start'
    ? isObject(block)
    : type === 'content_block_delta' && isObject(delta);
}

function readMessage(body: JsonObject): ResponseParts {
  const blocks = (Array.isArray(body.content) ? body.content : []).filter(isObject);
  const calls = blocks.filter(({ type }) => type === 'tool_use').map(callOf);
  const ran = blocks
    .filter(({ type }) => type === 'server_tool_use' || type === 'mcp_tool_use')
    .map(callOf);
  return {
    output: textOf(blocks, 'text'),
    model: asString(body.model),
    usage: readUsage(body.usage),
    reasoning: textOf(blocks, 'thinking') || undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
    finishReason: asString(body.stop_reason),
    metadata: { provider_tool_calls: ran.length > 0 ? ran : undefined },
  };
}

/** `{type: 'text', text}` and `{type: 'thinking', thinking}`: the text's key is its type. */
function textOf(blocks: readonly JsonObject[], type: 'text' | 'thinking'): string {
  return blocks.map((block) => (block.type === type ? (asString(block[type]) ?? '') : '')).join('');
}

function callOf({ name, input }: JsonObject): ToolCall {
  return { name: asString(name) ?? '', arguments: input };
}

/** Tokens read from and written to the cache are counted apart from `input_tokens`. */
function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = usage;
  return usageOf({
    prompt_tokens: sumOf(input_tokens, cache_read_input_tokens, cache_creation_input_tokens),
    completion_tokens: usage.output_tokens,
    cache_read_tokens: cache_read_input_tokens,
    cache_creation_tokens: cache_creation_input_tokens,
  });
}
