import type { JsonObject } from '../types.ts';
import type { AnyFunction, CallOptions } from './options.ts';

/** The Vercel AI SDK's functions that take one object with the model in it. */
const SDK_FUNCTIONS = new Set(['streamText', 'generateText', 'streamObject', 'generateObject']);

/** The options of a call of `fn`, with an `input` that a reader can use where it is a function of the AI SDK. */
export function withSdkInput(fn: AnyFunction, options: CallOptions): CallOptions {
  if (options.input !== undefined || !isSdkFunction(fn)) return options;
  return {
    ...options,
    input: (...args: unknown[]) => {
      const [first] = args;
      return args.length === 1 && isSdkArgument(first) ? sdkInput(first, first.model) : { ...args };
    },
  };
}

function isSdkFunction(fn: AnyFunction): boolean {
  try {
    return SDK_FUNCTIONS.has(fn.name);
  } catch {
    return false;
  }
}

function isSdkArgument(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && 'model' in value;
}

/** What may be shown beside plain settings. Headers, provider options and the like may hold keys. */
const SHOWN = new Set(['messages', 'toolChoice', 'stopSequences', 'responseFormat', 'enum']);

/** The settings of a call as a body that formats read: the model by its id, tools by name and description. */
export function sdkInput(settings: JsonObject, model: unknown): JsonObject {
  const input: JsonObject = { model: modelIdOf(model) };
  for (const [name, value] of Object.entries(settings)) {
    if (name === 'model' || name === 'providerOptions') continue;
    if (name === 'tools') input.tools = toolsOf(value);
    else if (name === 'prompt' && Array.isArray(value)) input.messages = value;
    else if (SHOWN.has(name) || isPlain(value)) input[name] = value;
  }
  return input;
}

function modelIdOf(model: unknown): unknown {
  return typeof model === 'object' && model !== null && 'modelId' in model ? model.modelId : model;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** `{ name: tool }` as the functions take them, a list as models do. */
function toolsOf(tools: unknown): unknown {
  if (typeof tools !== 'object' || tools === null) return undefined;
  return Object.entries(tools as { [name: string]: { name?: unknown; description?: unknown } }).map(
    ([name, tool]) => ({
      name: Array.isArray(tools) ? tool?.name : name,
      description: typeof tool?.description === 'string' ? tool.description : undefined,
    }),
  );
}
