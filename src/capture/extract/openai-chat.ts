import type { JsonObject } from '../../types.ts';
import { AzureOpening } from './azure-opening.ts';
import { errorOf } from './errors.ts';
import type { Format, ResponseParts, ToolCall } from './format.ts';
import { ChatReader } from './openai-chat-stream.ts';
import { CompletionReader } from './openai-completion.ts';
import { chatUsage, firstChoice, reasoningOf } from './openai-message.ts';
import { toolCallsOf } from './openai-tools.ts';
import { asString, contentText, isObject } from './text.ts';

/**
 * OpenAI's chat completions, and everything that copies them (Azure, Groq, Mistral, DeepSeek, xAI …).
 * Source: https://platform.openai.com/docs/api-reference/chat (object, and streaming object).
 */
export const openaiChat: Format = {
  name: 'openai-chat',
  response: readCompletion,
  stream: ({ json }) => {
    if (isChunk(json)) return new ChatReader(readCompletion);
    if (!isOpening(json)) return undefined;
    return new AzureOpening(new ChatReader(readCompletion), () => new CompletionReader());
  },
};

function readCompletion(body: JsonObject): ResponseParts | undefined {
  if (!isCompletion(body)) return undefined;
  const choices = Array.isArray(body.choices) ? body.choices : [];
  const choice = firstChoice(choices) ?? {};
  const message = isObject(choice.message) ? choice.message : {};
  const refusal = asString(message.refusal) || undefined;
  return {
    output: contentText(message.content, '') || refusal || spoken(message) || '',
    model: asString(body.model) || undefined,
    // Moonshot reports usage within the choice.
    usage: chatUsage(body.usage ?? choice.usage),
    reasoning: reasoningOf(message) || undefined,
    toolCalls: callsOf(message),
    finishReason: asString(choice.finish_reason),
    error: errorOf(body.error ?? choice.error),
    metadata: {
      refusal,
      choices: choices.length > 1 ? choices.length : undefined,
      provider_tool_calls: executedTools(message.executed_tools),
    },
  };
}

/** A poll has choices too, and each may have a message. */
function isCompletion({ object, choices, model }: JsonObject): boolean {
  if (!Array.isArray(choices)) return false;
  if (object === 'chat.completion') return true;
  const choice = firstChoice(choices);
  if (choice === undefined || !isObject(choice.message)) return false;
  const { role, content } = choice.message;
  return (
    typeof role === 'string' ||
    (content !== undefined && ('finish_reason' in choice || typeof model === 'string'))
  );
}

function isChunk(value: unknown): value is JsonObject {
  if (!isObject(value) || !Array.isArray(value.choices)) return false;
  return value.choices.length === 0
    ? value.object === 'chat.completion.chunk'
    : isObject(value.choices[0]) && isObject(value.choices[0].delta);
}

function isOpening(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value.choices)) return false;
  return value.choices.length === 0 && 'prompt_filter_results' in value;
}

/** What an answer in sound says. */
function spoken({ audio }: JsonObject): string | undefined {
  return isObject(audio) ? asString(audio.transcript) : undefined;
}

/** With `function_call`, which came before `tool_calls`. */
function callsOf({ tool_calls: calls, function_call: legacy }: JsonObject): ToolCall[] | undefined {
  return toolCallsOf(calls) ?? (isObject(legacy) ? toolCallsOf([{ function: legacy }]) : undefined);
}

/** What Groq's compound models have run themselves. */
function executedTools(tools: unknown): ToolCall[] | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  return tools.flatMap((tool) =>
    isObject(tool) && typeof tool.type === 'string'
      ? [{ name: tool.type, arguments: tool.arguments }]
      : [],
  );
}
