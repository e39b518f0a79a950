import type { JsonObject } from '../../types.ts';
import { errorOf } from './errors.ts';
import type {
  Format,
  RequestAbout,
  RequestParts,
  ResponseParts,
  ToolCall,
  Usage,
} from './format.ts';
import { GeminiReader } from './gemini-stream.ts';
import { askedText, questionOf } from './question.ts';
import { asNumber, asString, isObject } from './text.ts';
import { sumOf, usageOf } from './usage.ts';

/**
 * Google's generateContent and streamGenerateContent (events, or one JSON array), on Gemini and Vertex AI.
 * Source: https://ai.google.dev/api/generate-content
 */
export const gemini: Format = {
  name: 'gemini',
  isRequest,
  request: (body, about) => (isRequest(body) ? readRequest(body, about) : undefined),
  response: (body) => (isAnswer(body) ? readAnswer(body) : undefined),
  stream: ({ json }) =>
    isObject(json) && isAnswer(json) ? new GeminiReader(readAnswer) : undefined,
};

/** What a part may be; other contents have parts as well. */
const PART =
  /^(?:text|inline_?data|file_?data|function_?(?:call|response)|executable_?code|code_?execution_?result)$/i;

function isRequest({ contents }: JsonObject): boolean {
  const turns = listOf(contents);
  return (
    turns.every(isObject) && turns.some((turn) => isObject(turn) && listOf(turn.parts).some(isPart))
  );
}

/** Google takes one object for a list of one. */
function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : isObject(value) ? [value] : [];
}

function isPart(part: unknown): boolean {
  return isObject(part) && Object.keys(part).some((key) => PART.test(key));
}

const MODEL = /\/(?:models|tunedModels|endpoints)\/([^/:]+)/;

/** The model is in the path: `/v1beta/models/gemini-2.5-flash:generateContent`. */
function readRequest(body: JsonObject, { path }: RequestAbout): RequestParts {
  const contents = listOf(body.contents).filter(isObject);
  const turns = contents.map(({ role, parts }) => ({
    role: asString(role) ?? 'user',
    content: parts,
  }));
  const system = body.systemInstruction ?? body.system_instruction;
  return {
    input: questionOf(turns),
    systemPrompt: (isObject(system) ? askedText(system.parts) : asString(system)) || undefined,
    model: MODEL.exec(path)?.[1] ?? asString(body.model)?.replace(/^models\//, ''),
  };
}

/** Candidates of content, or word that the prompt was refused, or usage alone at a stream's end. */
function isAnswer({
  candidates,
  promptFeedback,
  usageMetadata,
  modelVersion,
}: JsonObject): boolean {
  if (!Array.isArray(candidates) || candidates.length === 0) {
    return (
      isObject(promptFeedback) || (isObject(usageMetadata) && typeof modelVersion === 'string')
    );
  }
  const [first] = candidates;
  return (
    isObject(first) &&
    (isObject(first.content) || typeof first.finishReason === 'string') &&
    (isObject(usageMetadata) ||
      typeof modelVersion === 'string' ||
      typeof first.finishReason === 'string' ||
      (isObject(first.content) && Array.isArray(first.content.parts)))
  );
}

function readAnswer(body: JsonObject): ResponseParts {
  const candidates = (Array.isArray(body.candidates) ? body.candidates : []).filter(isObject);
  const [first] = candidates;
  const content = isObject(first?.content) ? first.content : {};
  const parts = (Array.isArray(content.parts) ? content.parts : []).filter(isObject);
  const feedback = isObject(body.promptFeedback) ? body.promptFeedback : {};
  const calls = parts.flatMap(({ functionCall }) => callOf(functionCall, 'args'));
  const ran = parts.flatMap(({ executableCode, toolCall }) => [
    ...(isObject(executableCode)
      ? [{ name: 'code_execution', arguments: executableCode.code }]
      : []),
    ...callOf(toolCall, 'args'),
  ]);
  return {
    output: textOf(parts, false),
    model: asString(body.modelVersion),
    usage: readUsage(body.usageMetadata),
    reasoning: textOf(parts, true) || undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
    finishReason: asString(first?.finishReason) ?? asString(feedback.blockReason),
    error: errorOf(body.error),
    metadata: {
      choices: candidates.length > 1 ? candidates.length : undefined,
      provider_tool_calls: ran.length > 0 ? ran : undefined,
    },
  };
}

function textOf(parts: readonly JsonObject[], isThought: boolean): string {
  return parts
    .map(({ text, thought }) => ((thought === true) === isThought ? (asString(text) ?? '') : ''))
    .join('');
}

function callOf(call: unknown, key: string): ToolCall[] {
  if (!isObject(call)) return [];
  const name = asString(call.name) ?? asString(call.toolType);
  return name ? [{ name, arguments: call[key] }] : [];
}

/** Thoughts are counted apart from the candidates, and are output all the same. */
function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const { candidatesTokenCount, thoughtsTokenCount } = usage;
  return usageOf({
    prompt_tokens: usage.promptTokenCount,
    completion_tokens: sumOf(candidatesTokenCount, thoughtsTokenCount),
    total_tokens: usage.totalTokenCount,
    cache_read_tokens: usage.cachedContentTokenCount,
    reasoning_tokens: asNumber(thoughtsTokenCount),
  });
}
