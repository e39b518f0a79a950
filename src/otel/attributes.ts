import type { JsonObject, LogEvent, Step } from '../types.ts';
import type { Attributes } from './api.ts';

/*
 * Names of https://github.com/open-telemetry/semantic-conventions-genai, `docs/gen-ai/client-inference.md`. No text
 * that anybody said is among them: the conventions leave that to an opt-in, and the task has it.
 */

/** What a span of a task says. */
export function taskAttributes(event: LogEvent): Attributes {
  const { metadata = {}, steps = [] } = event;
  return given({
    ...owner(event),
    ...(steps.some(hasModel) ? {} : modelAttributes(inTask(event))),
    'phospho.outcome': metadata.outcome,
    'http.route': metadata.route,
    'error.type': errorType(metadata.error ?? undefined, metadata.outcome),
  });
}

/** What a span of a step says. */
export function stepAttributes(step: Step, event: LogEvent): Attributes {
  const { steps = [], outcome, error } = step;
  return given({
    ...owner(event),
    ...(steps.some(hasModel) ? {} : modelAttributes(inStep(step))),
    'phospho.step_id': step.step_id,
    'phospho.outcome': outcome,
    'error.type': errorType(error, outcome),
  });
}

/** The name that the conventions want of a model's call; undefined for what is none. */
export function modelCallName(attributes: Attributes): string | undefined {
  const { 'gen_ai.operation.name': operation, 'gen_ai.request.model': model } = attributes;
  return operation === undefined ? undefined : `${operation}${model ? ` ${model}` : ''}`;
}

function owner({ task_id, session_id, user_id }: LogEvent): JsonObject {
  return {
    'phospho.task_id': task_id,
    'phospho.session_id': session_id,
    'gen_ai.conversation.id': session_id,
    'user.id': user_id,
  };
}

/** What is said of a model's call, by a task or by a step. */
interface ModelCall {
  model: unknown;
  requestModel: unknown;
  usage: JsonObject;
  finishReason: unknown;
  firstTokenMs: unknown;
  isStreamed: unknown;
  raw: unknown;
}

function inTask(event: LogEvent): ModelCall {
  const { metadata = {} } = event;
  return {
    model: event.model,
    requestModel: fieldOf(event.raw_input, 'model'),
    usage: event,
    finishReason: metadata.finish_reason,
    firstTokenMs: metadata.time_to_first_token_ms,
    isStreamed: metadata.streamed,
    raw: event.raw_output,
  };
}

function inStep(step: Step): ModelCall {
  const told = step as Step & JsonObject;
  return {
    model: told.model,
    requestModel: undefined,
    usage: Object(told.usage) as JsonObject,
    finishReason: told.finish_reason,
    firstTokenMs: undefined,
    isStreamed: undefined,
    raw: undefined,
  };
}

/** Where a step within is the model's call, what is around it must not count its tokens again. */
function hasModel(step: Step): boolean {
  const { model, usage, steps = [] } = step as Step & JsonObject;
  return model !== undefined || usage !== undefined || (steps as Step[]).some(hasModel);
}

function modelAttributes(call: ModelCall): JsonObject {
  const { model, usage } = call;
  const isModelCall = typeof model === 'string' || usage.prompt_tokens !== undefined;
  if (!isModelCall) return {};
  return {
    'gen_ai.operation.name': operationOf(call.raw),
    'gen_ai.provider.name': providerOf(model),
    'gen_ai.request.model': typeof call.requestModel === 'string' ? call.requestModel : model,
    'gen_ai.response.model': model,
    'gen_ai.response.id': fieldOf(call.raw, 'id'),
    'gen_ai.response.finish_reasons': reasons(call.finishReason),
    'gen_ai.request.stream': call.isStreamed === true ? true : undefined,
    'gen_ai.response.time_to_first_chunk': seconds(call.firstTokenMs),
    'gen_ai.usage.input_tokens': usage.prompt_tokens,
    'gen_ai.usage.output_tokens': usage.completion_tokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cache_read_tokens,
    'gen_ai.usage.cache_write.input_tokens': usage.cache_creation_tokens,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoning_tokens,
  };
}

function operationOf(raw: unknown): string {
  if (fieldOf(raw, 'object') === 'text_completion') return 'text_completion';
  return fieldOf(raw, 'candidates') === undefined ? 'chat' : 'generate_content';
}

/** Whose model it is, by its name: who serves it is not in an answer. Words of the conventions' registry. */
const PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/^(gpt|chatgpt|o\d|codex|text-davinci|davinci)/i, 'openai'],
  [/claude/i, 'anthropic'],
  [/^(models\/)?(gemini|gemma)/i, 'gcp.gemini'],
  [/^(command|c4ai)/i, 'cohere'],
  [/(mistral|mixtral|codestral|ministral|pixtral|magistral|devstral)/i, 'mistral_ai'],
  [/^deepseek/i, 'deepseek'],
  [/^grok/i, 'x_ai'],
  [/^sonar/i, 'perplexity'],
];

function providerOf(model: unknown): string {
  if (typeof model !== 'string') return '_OTHER';
  return PROVIDERS.find(([name]) => name.test(model))?.[1] ?? '_OTHER';
}

function reasons(finishReason: unknown): string[] | undefined {
  return typeof finishReason === 'string' ? [finishReason] : undefined;
}

function seconds(ms: unknown): number | undefined {
  return typeof ms === 'number' ? ms / 1_000 : undefined;
}

/** The error's name alone: its message may quote a text, and so may the first word of what is no Error. */
function errorType(error: unknown, outcome: unknown): string | undefined {
  if (outcome !== 'error') return undefined;
  return (
    /^[A-Za-z_$][\w$]{0,63}(?<=Error|Exception|_error)(?=:|$)/.exec(String(error ?? ''))?.[0] ??
    '_OTHER'
  );
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as JsonObject)[name];
}

/** What an attribute may be, and is. */
function given(attributes: JsonObject): Attributes {
  const result: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string' || typeof value === 'boolean' || Array.isArray(value)) {
      result[name] = value as Attributes[string];
    } else if (typeof value === 'number' && Number.isFinite(value)) {
      result[name] = value;
    }
  }
  return result;
}
