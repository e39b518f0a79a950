import type { JsonObject } from '../../types.ts';
import type { AnyFunction, CallOptions } from '../call-options.ts';

/** The Vercel AI SDK's functions that take one object with the model in it. */
const SDK_FUNCTIONS = new Set(['streamText', 'generateText', 'streamObject', 'generateObject']);

/** Whether a call is one of the AI SDK's: by the function's name, and in a bundle that has shortened it by the argument. */
export function isSdkCall(fn: AnyFunction, args: readonly unknown[]): boolean {
  const [settings] = args;
  if (args.length !== 1 || typeof settings !== 'object' || settings === null) return false;
  try {
    // Getters are the app's code: they are left alone.
    const fieldOf = (name: string): unknown =>
      Object.getOwnPropertyDescriptor(settings, name)?.value;
    const model = fieldOf('model');
    if (model === undefined) return false;
    if (SDK_FUNCTIONS.has(fn.name)) return true;
    return isLanguageModel(model) && (fieldOf('prompt') ?? fieldOf('messages')) !== undefined;
  } catch {
    return false;
  }
}

function isLanguageModel(model: unknown): boolean {
  if (typeof model !== 'object' || model === null) return false;
  return 'doStream' in model && typeof model.doStream === 'function' && 'modelId' in model;
}

/** The options of such a call, with an `input` that a reader can use. */
export function withSdkInput(options: CallOptions): CallOptions {
  if (options.input !== undefined) return options;
  return { ...options, input: (settings: JsonObject) => sdkInput(settings, settings.model) };
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
