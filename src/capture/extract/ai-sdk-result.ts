import type { JsonObject } from '../../types.ts';
import { sdkUsage } from './ai-sdk-message.ts';
import type { Format, StreamedParts, ToolCall, Usage } from './format.ts';
import { anyText, asString, isObject } from './text.ts';
import { addUsage } from './usage.ts';

/**
 * What `generateText` and `generateObject` of the Vercel AI SDK resolve to (versions 4 to 7), and `doGenerate` of its
 * models. In memory they are objects of classes, whose getters only read.
 */
export const aiSdkResult: Format = {
  name: 'ai-sdk-result',
  response: (body) => {
    if (isStepList(body.steps)) return readSteps(body, body.steps);
    if (isObjectResult(body)) return readObject(body);
    return isModelResult(body) ? readSteps(body, [body]) : undefined;
  },
};

function isStepList(steps: unknown): steps is JsonObject[] {
  return Array.isArray(steps) && steps.length > 0 && steps.every(isStep);
}

function isStep(step: unknown): step is JsonObject {
  if (!isObject(step) || reasonOf(step) === undefined || !isObject(step.usage)) return false;
  return typeof step.text === 'string' || isContent(step.content);
}

function isContent(content: unknown): content is JsonObject[] {
  return (
    Array.isArray(content) &&
    content.every((part) => isObject(part) && typeof part.type === 'string')
  );
}

function isObjectResult(body: JsonObject): boolean {
  return (
    'object' in body &&
    reasonOf(body) !== undefined &&
    isObject(body.usage) &&
    isObject(body.response)
  );
}

/** Since version 5 with `content` and `warnings`, before with `text` and `rawCall`. */
function isModelResult(body: JsonObject): boolean {
  if (reasonOf(body) === undefined || !isObject(body.usage)) return false;
  return isContent(body.content) ? Array.isArray(body.warnings) : isObject(body.rawCall);
}

function reasonOf({ finishReason }: JsonObject): string | undefined {
  return asString(isObject(finishReason) ? finishReason.unified : finishReason);
}

function readSteps(body: JsonObject, steps: readonly JsonObject[]): StreamedParts {
  const parts = steps.flatMap(partsOf);
  const last = steps.at(-1) ?? {};
  const own = parts.filter((part) => part.type === 'tool-call' && !part.providerExecuted);
  const ran = parts.filter((part) => part.type === 'tool-call' && part.providerExecuted);
  return {
    // Of the last step, as the result's own `text` is.
    output: textOf(partsOf(last), 'text'),
    model: modelOf(body) ?? modelOf(last),
    usage: sdkUsage(body.totalUsage) ?? sumOf(steps),
    reasoning: textOf(parts, 'reasoning') || undefined,
    toolCalls: own.length > 0 ? own.map(callOf) : undefined,
    finishReason: reasonOf(body) ?? reasonOf(last),
    metadata: { provider_tool_calls: ran.length > 0 ? ran.map(callOf) : undefined },
    raw: { role: 'assistant', parts },
  };
}

/** What was said and asked for, in its order; version 4 has each kind apart. */
function partsOf({ content, text, reasoning, toolCalls }: JsonObject): JsonObject[] {
  if (isContent(content)) return content;
  const parts: JsonObject[] = [];
  if (typeof reasoning === 'string') parts.push({ type: 'reasoning', text: reasoning });
  if (typeof text === 'string' && text !== '') parts.push({ type: 'text', text });
  for (const call of Array.isArray(toolCalls) ? toolCalls : []) {
    if (isObject(call)) parts.push({ ...call, type: 'tool-call' });
  }
  return parts;
}

function textOf(parts: readonly JsonObject[], type: 'text' | 'reasoning'): string {
  return parts.map((part) => (part.type === type ? (asString(part.text) ?? '') : '')).join('');
}

function callOf({ toolName, input, args }: JsonObject): ToolCall {
  return { name: asString(toolName) ?? '', arguments: input ?? args };
}

function modelOf({ response }: JsonObject): string | undefined {
  return isObject(response) ? asString(response.modelId) : undefined;
}

function sumOf(steps: readonly JsonObject[]): Usage | undefined {
  return steps.map(({ usage }) => sdkUsage(usage)).reduce(addUsage, undefined);
}

function readObject(body: JsonObject): StreamedParts {
  const { object, usage } = body;
  return {
    output: anyText(object),
    model: modelOf(body),
    usage: sdkUsage(usage),
    finishReason: reasonOf(body),
    raw: object,
  };
}
