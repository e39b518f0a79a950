import { defaultRecorder } from '../../capture/context.ts';
import type { Recorder } from '../../capture/recorder.ts';
import { PhosphoArgumentError } from '../../errors.ts';
import { describeError } from '../../internal/hooks.ts';
import { type AnyFunction, type CallOptions, checkCallOptions } from '../call-options.ts';
import { dressAs } from '../metadata.ts';
import { cover, coverGetter } from '../results/cover.ts';
import { merged, rememberWrapper, type Wrapped } from '../wrapped.ts';
import { observedMethod } from './model-call.ts';
import { checkCoverable, type Found, findIn, findMethods, methodOf } from './model-methods.ts';

/**
 * What to record of a client's model calls. Hooks are given the call's own arguments: the request body first, then
 * the SDK's request options.
 */
export type ObserveOptions = CallOptions;

/**
 * Records each model call of a client: a step of the task that is open, or a task. Input, output, model, tokens,
 * finish reason and tool calls are read from the request and the answer, streamed or not. The client is changed in
 * place and returned: its methods get own ones before them, other clients and the class stay as they are.
 *
 * Takes clients of `openai` (Azure too, and SDKs of the same shape, such as `groq-sdk`), `@anthropic-ai/sdk` and
 * `ollama`, and language models of the Vercel AI SDK. Embeddings, images, audio, files and batches pass unrecorded.
 * The SDK's own retries are one call. A stream is recorded once it has been read or left.
 *
 * A client that is observed again is recorded once, with the options of both; the later ones win, and so does the
 * later Phospho. Uses the running task's Phospho, else the first one constructed; without one, it only calls.
 *
 * @param options - as for `wrap`. `name`: default the kind of call and the model, `chat gpt-4o`
 * @throws PhosphoArgumentError for a client in which nothing is known or that is frozen, or an option that is unknown.
 *
 * @example
 * ```ts
 * import OpenAI from 'openai';
 * import { observe } from 'phospho-express';
 *
 * const openai = observe(new OpenAI());
 * const { choices } = await openai.chat.completions.create({
 *   model: 'gpt-4o-mini',
 *   messages: [{ role: 'user', content: 'Hello!' }],
 * });
 * ```
 */
export function observe<C extends object>(client: C, options: ObserveOptions = {}): C {
  return observeWith(undefined, client, options);
}

/** `observe` with a recorder of one's own, or with whichever is there at the time of a call. */
export function observeWith<C extends object>(
  recorder: Recorder | undefined,
  client: C,
  options: ObserveOptions,
): C {
  if (client === null || (typeof client !== 'object' && typeof client !== 'function')) {
    throw unknownClient(client === null ? 'null' : typeof client);
  }
  checkCallOptions(options);
  const found = findMethods(client);
  if (found.methods.length === 0 && found.lazy.length === 0) {
    throw unknownClient('an object with none of them');
  }
  checkCoverable(found);
  coverAll(found, { recorder, options });
  coverCopies(client, { recorder, options });
  return client;
}

function unknownClient(got: string): PhosphoArgumentError {
  return new PhosphoArgumentError(
    `observe() takes a client of openai (with chat.completions, responses or completions), @anthropic-ai/sdk (messages) or ollama (chat and generate), or a language model of the Vercel AI SDK (doGenerate and doStream), got ${got}; for anything else, wrap() the function that calls the model`,
  );
}

type Duty = Pick<Wrapped, 'recorder' | 'options'>;

function coverAll({ methods, lazy }: Found, duty: Duty): void {
  for (const method of methods) {
    const original = methodOf(method.owner, method.name);
    const wrapped = merged({ fn: original, ...duty });
    put(method.owner, method.name, original, observedMethod(method, wrapped), wrapped);
  }
  for (const { owner, key, rest } of lazy) {
    const seen = new WeakSet<object>();
    coverGetter(owner, key, (resource) => {
      if (typeof resource !== 'object' || resource === null || seen.has(resource)) return;
      seen.add(resource);
      quietly(duty, () => coverAll(findIn(resource, rest), duty));
    });
  }
}

/** `withOptions` makes another client, which is observed as this one is. */
function coverCopies(client: object, duty: Duty): void {
  if (!('withOptions' in client) || typeof client.withOptions !== 'function') return;
  const original = methodOf(client, 'withOptions');
  const wrapped = merged({ fn: original, ...duty });
  const { withOptions } = {
    withOptions(this: unknown, ...args: unknown[]): unknown {
      const copy: unknown = Reflect.apply(wrapped.fn, this, args);
      quietly(wrapped, () => observeWith(wrapped.recorder, copy as object, wrapped.options));
      return copy;
    },
  };
  put(client, 'withOptions', original, withOptions, wrapped);
}

function put(
  owner: object,
  name: string,
  original: AnyFunction,
  own: AnyFunction,
  wrapped: Wrapped,
): void {
  dressAs(own, original);
  rememberWrapper(own, wrapped);
  cover(owner, name, own);
}

/** In the middle of the app's own call: it must not fail for us. */
function quietly({ recorder }: Duty, work: () => void): void {
  try {
    work();
  } catch (error) {
    const message = `a client is not observed: ${describeError(error)}`;
    (recorder ?? defaultRecorder())?.logger.once('observe', 'error', message);
  }
}
