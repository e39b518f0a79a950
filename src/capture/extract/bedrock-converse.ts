import type { JsonObject } from '../../types.ts';
import { ConverseReader } from './bedrock-converse-stream.ts';
import type { Format, ResponseParts, Usage } from './format.ts';
import { asString, isObject } from './text.ts';
import { sumOf, usageOf } from './usage.ts';

/**
 * Amazon Bedrock's Converse and ConverseStream, as its SDK gives them. Requests are chat bodies.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
 * …/API_runtime_ConverseStream.html
 */
export const bedrockConverse: Format = {
  name: 'bedrock-converse',
  response: (body) => (isAnswer(body) ? readAnswer(body) : undefined),
  stream: ({ json }) =>
    isObject(json) && isFirst(json) ? new ConverseReader(readAnswer) : undefined,
};

function isAnswer({ output, stopReason }: JsonObject): boolean {
  const message = isObject(output) ? output.message : undefined;
  return typeof stopReason === 'string' && isObject(message) && Array.isArray(message.content);
}

function isFirst({ messageStart, contentBlockStart, contentBlockDelta }: JsonObject): boolean {
  if (isObject(messageStart)) return typeof messageStart.role === 'string';
  return [contentBlockStart, contentBlockDelta].some(
    (block) => isObject(block) && typeof block.contentBlockIndex === 'number',
  );
}

function readAnswer(body: JsonObject): ResponseParts {
  const output = isObject(body.output) ? body.output : {};
  const message = isObject(output.message) ? output.message : {};
  const blocks = (Array.isArray(message.content) ? message.content : []).filter(isObject);
  const calls = blocks.map(({ toolUse }) => toolUse).filter(isObject);
  return {
    output: blocks.map(({ text }) => asString(text) ?? '').join(''),
    usage: readUsage(body.usage),
    reasoning: blocks.map(thoughtOf).join('') || undefined,
    toolCalls:
      calls.length > 0
        ? calls.map(({ name, input }) => ({ name: asString(name) ?? '', arguments: input }))
        : undefined,
    finishReason: asString(body.stopReason),
  };
}

function thoughtOf({ reasoningContent }: JsonObject): string {
  const thought = isObject(reasoningContent) ? reasoningContent.reasoningText : undefined;
  return isObject(thought) ? (asString(thought.text) ?? '') : '';
}

/** Tokens read from and written to the cache are counted apart from `inputTokens`. */
function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const { inputTokens, cacheReadInputTokens, cacheWriteInputTokens } = usage;
  return usageOf({
    prompt_tokens: sumOf(inputTokens, cacheReadInputTokens, cacheWriteInputTokens),
    completion_tokens: usage.outputTokens,
    total_tokens: usage.totalTokens,
    cache_read_tokens: cacheReadInputTokens,
    cache_creation_tokens: cacheWriteInputTokens,
  });
}
