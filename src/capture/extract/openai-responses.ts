import type { JsonObject } from '../../types.ts';
import { errorOf } from './errors.ts';
import type { Format, RequestParts, ResponseParts, ToolCall, Usage } from './format.ts';
import { ResponseReader } from './openai-responses-stream.ts';
import { questionOf, systemOf, type Turn } from './question.ts';
import { asString, contentText, isObject } from './text.ts';
import { usageOf } from './usage.ts';

/**
 * OpenAI's Responses, and what copies them (Azure, xAI, LM Studio, vLLM, OpenRouter …).
 * Source: https://platform.openai.com/docs/api-reference/responses (object, and streaming).
 */
export const openaiResponses: Format = {
  name: 'openai-responses',
  isRequest,
  request: (body) => (isRequest(body) ? readRequest(body) : undefined),
  response: (body) =>
    body.object === 'response' && Array.isArray(body.output) ? readResponse(body) : undefined,
  stream: ({ json }) =>
    isObject(json) && asString(json.type)?.startsWith('response.')
      ? new ResponseReader(readResponse)
      : undefined,
};

/** Options that embeddings and speech, which also take a model and an input, mostly do not have. */
const OPTIONS = [
  'instructions',
  'previous_response_id',
  'conversation',
  'max_output_tokens',
  'max_tool_calls',
  'temperature',
  'top_p',
  'reasoning',
  'text',
  'tools',
  'tool_choice',
  'store',
  'include',
  'truncation',
  'stream',
  'background',
];

/** Options of theirs. */
const OTHERS = ['voice', 'input_type', 'encoding_format', 'dimensions', 'output_dtype'];

/** What may be sent without a new turn. */
const ITEM = /^(?:.+_call_output|mcp_approval_response|item_reference)$/;

function isRequest(body: JsonObject): boolean {
  const { input, model } = body;
  if (typeof input === 'string') {
    if (typeof model !== 'string' || OTHERS.some((name) => name in body)) return false;
    // Voyage cuts an input for an embedding if it is true.
    const isOther = typeof body.response_format === 'string' || body.truncation === true;
    return !isOther && OPTIONS.some((name) => name in body);
  }
  return Array.isArray(input) && input.every(isObject) && input.some(isItem);
}

function isItem({ role, content, type }: JsonObject): boolean {
  if (typeof role === 'string') return content !== undefined;
  return ITEM.test(asString(type) ?? '');
}

function readRequest({ input, instructions, model }: JsonObject): RequestParts {
  const turns: Turn[] = Array.isArray(input)
    ? input.map(({ role, content, output }) => ({
        role: asString(role) ?? (output === undefined ? '' : 'tool'),
        content: content ?? output,
      }))
    : [{ role: 'user', content: input }];
  const system = [asString(instructions), systemOf(turns)].filter(Boolean).join('\n');
  return {
    input: questionOf(turns.filter(({ role }) => role !== '')),
    systemPrompt: system || undefined,
    model: asString(model),
  };
}

function readResponse(body: JsonObject): ResponseParts {
  const items = (Array.isArray(body.output) ? body.output : []).filter(isObject);
  const parts = items
    .filter(({ type }) => type === 'message')
    .flatMap(({ content }) => (Array.isArray(content) ? content.filter(isObject) : [content]));
  const refusal = parts.map((part) => (isObject(part) ? asString(part.refusal) : '')).join('');
  const details = isObject(body.incomplete_details) ? body.incomplete_details : {};
  const isForApp = ({ type }: JsonObject): boolean =>
    type === 'function_call' || (type === 'custom_tool_call' && !isXai(body.model));
  const called = items.filter(({ type }) => asString(type)?.endsWith('_call'));
  const calls = called.filter(isForApp).flatMap(appCall);
  const ran = called.filter((item) => !isForApp(item)).map(providerCall);
  return {
    output: parts.map((part) => contentText([part], '')).join('') || refusal,
    model: asString(body.model),
    usage: readUsage(body.usage),
    reasoning: items.map(reasoningOf).filter(Boolean).join('\n') || undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
    finishReason: asString(body.status),
    error: errorOf(body.error),
    metadata: {
      refusal: refusal || undefined,
      incomplete_reason: asString(details.reason),
      provider_tool_calls: ran.length > 0 ? ran : undefined,
    },
  };
}

/** xAI takes no custom tools of the app's: what comes as one is a search of its own. */
function isXai(model: unknown): boolean {
  return typeof model === 'string' && /^(x-ai\/)?grok/.test(model);
}

/** A function or custom tool that the app is asked to run. */
function appCall(item: JsonObject): ToolCall[] {
  const name = asString(item.name);
  return name ? [{ name, arguments: item.arguments ?? item.input }] : [];
}

/** A tool that the provider defines, and mostly runs itself: `web_search_call`, `mcp_call`, `computer_call` … */
function providerCall(item: JsonObject): ToolCall {
  const { name, type, action, arguments: args, input, code, queries, operation } = item;
  return {
    name: asString(name) || (asString(type) ?? '').replace(/_call$/, ''),
    arguments: args ?? input ?? action ?? code ?? queries ?? operation,
  };
}

/** The thinking itself where it is shown (LM Studio, vLLM), else its summary. */
function reasoningOf({ type, content, summary }: JsonObject): string {
  if (type !== 'reasoning') return '';
  return contentText(content, '\n') || contentText(summary, '\n');
}

function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const input = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  const output = isObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  return usageOf({
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.total_tokens,
    cache_read_tokens: input.cached_tokens,
    reasoning_tokens: output.reasoning_tokens,
  });
}
