import { type CallSite, type OpenCall, openCall } from '../call.ts';
import type { AnyFunction, CallOptions } from '../call-options.ts';
import { withAborts } from '../results/aborts.ts';
import { follow } from '../results/follow.ts';
import { followModelStream } from '../results/model-stream.ts';
import { followUnwrapped } from '../results/unwrapping.ts';
import { callable } from '../stand-in.ts';
import type { Wrapped } from '../wrapped.ts';
import type { MethodKind, ModelMethod } from './model-methods.ts';
import { sdkInput } from './sdk-input.ts';

/** A method of the SDK's whose calls are recorded as model calls. */
export function observedMethod({ owner, kind }: ModelMethod, wrapped: Wrapped): AnyFunction {
  const { fn, options, recorder } = wrapped;
  const site: CallSite = {
    recorder,
    options: { ...options, input: options.input ?? inputOf(owner, kind) },
    isModelCall: true,
    nameFor: (_self, [request]) => options.name ?? nameOf(owner, kind, request),
  };
  const open = (self: unknown, args: unknown[]): OpenCall | undefined => {
    const opened = openCall(site, self, args);
    return opened && withAborts(opened, () => signalIn(kind, args));
  };
  return callable(fn, open, kind === 'doStream' ? followModelStream : followCall);
}

function followCall(result: unknown, call: OpenCall): unknown {
  const followed = follow(result, call);
  followUnwrapped(followed, call);
  return followed;
}

/** The request body, and nothing of the request options: headers may hold keys. */
function inputOf(owner: object, kind: MethodKind): NonNullable<CallOptions['input']> {
  if (!isLanguageModel(kind)) return (body: unknown) => body;
  return (settings) => sdkInput(settings, owner);
}

/** What kind of call, and of which model: `chat gpt-4o`. */
function nameOf(owner: object, kind: MethodKind, request: unknown): string {
  const model = isLanguageModel(kind) ? fieldOf(owner, 'modelId') : fieldOf(request, 'model');
  const call = isLanguageModel(kind) ? 'chat' : kind;
  return typeof model === 'string' && model !== '' ? `${call} ${model}` : call;
}

/** In the SDK's request options; a language model has all in one object. */
function signalIn(kind: MethodKind, [request, options]: readonly unknown[]): unknown {
  return isLanguageModel(kind) ? fieldOf(request, 'abortSignal') : fieldOf(options, 'signal');
}

function isLanguageModel(kind: MethodKind): boolean {
  return kind === 'doGenerate' || kind === 'doStream';
}

function fieldOf(value: unknown, name: string): unknown {
  try {
    return (value as { [name: string]: unknown } | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}
