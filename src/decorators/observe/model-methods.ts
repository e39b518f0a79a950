import { PhosphoArgumentError } from '../../errors.ts';
import type { AnyFunction } from '../call-options.ts';
import { accessorOf } from '../results/cover.ts';

/** A method by which a client calls a model. */
export interface ModelMethod {
  readonly owner: object;
  readonly name: string;
  readonly kind: MethodKind;
}

/** Tells arguments, result and the name of the step. */
export type MethodKind = 'chat' | 'completion' | 'generate' | 'doGenerate' | 'doStream';

/** A resource that the client makes when it is first asked for. */
interface LazyResource {
  readonly owner: object;
  readonly key: string;
  readonly rest: Branch;
}

export interface Found {
  readonly methods: ModelMethod[];
  readonly lazy: LazyResource[];
}

/** Members by name: more of the tree, or what a method of it is. */
export interface Branch {
  readonly [key: string]: Branch | MethodKind;
}

/**
 * The lowest methods that the helpers of each SDK go by (`stream()`, `parse()`, `runTools()` …), so that each
 * model call is seen once. OpenAI and what copies it, Anthropic.
 */
const RESOURCES: Branch = {
  chat: { completions: { create: 'chat' } },
  completions: { create: 'completion' },
  responses: { create: 'chat' },
  messages: { create: 'chat' },
  beta: {
    chat: { completions: { create: 'chat' } },
    messages: { create: 'chat' },
    responses: { create: 'chat' },
  },
};

/** Ollama has the methods on the client itself. */
const OLLAMA: Branch = { chat: 'chat', generate: 'generate' };
/** A language model of the Vercel AI SDK. */
const LANGUAGE_MODEL: Branch = { doGenerate: 'doGenerate', doStream: 'doStream' };

/** Whatever of these shapes there is in a client. Never throws: a member whose getter does is not one. */
export function findMethods(client: object): Found {
  for (const shape of [LANGUAGE_MODEL, OLLAMA]) {
    const found: Found = { methods: [], lazy: [] };
    search(client, shape, found);
    if (found.methods.length === 2) return found;
  }
  return findIn(client, RESOURCES);
}

/** The same below a member that was made later. */
export function findIn(owner: object, branch: Branch): Found {
  const found: Found = { methods: [], lazy: [] };
  search(owner, branch, found);
  return found;
}

function search(owner: object, branch: Branch, found: Found): void {
  for (const [key, below] of Object.entries(branch)) {
    try {
      const isLazy = accessorOf(owner, key) !== undefined;
      if (typeof below === 'string') {
        const isMethod = !isLazy && typeof memberOf(owner, key) === 'function';
        if (isMethod) found.methods.push({ owner, name: key, kind: below });
      } else if (isLazy) {
        found.lazy.push({ owner, key, rest: below });
      } else {
        const member = memberOf(owner, key);
        if (typeof member === 'object' && member !== null) search(member, below, found);
      }
    } catch {
      // A member that cannot be read is none that could be called.
    }
  }
}

function memberOf(owner: object, key: string): unknown {
  return (owner as { [key: string]: unknown })[key];
}

/** Throws a PhosphoArgumentError where a method or resource cannot be covered by one of ours. */
export function checkCoverable({ methods, lazy }: Found): void {
  const members = [
    ...methods.map(({ owner, name }) => ({ owner, key: name })),
    ...lazy.map(({ owner, key }) => ({ owner, key })),
  ];
  for (const { owner, key } of members) {
    if (isCoverable(owner, key)) continue;
    throw new PhosphoArgumentError(
      `observe() puts its own "${key}" before the client's, and the object that has it is frozen or sealed; observe the client before it is frozen, or wrap() the function that calls it`,
    );
  }
}

function isCoverable(owner: object, key: string): boolean {
  try {
    const own = Object.getOwnPropertyDescriptor(owner, key);
    return own ? own.configurable === true || own.writable === true : Object.isExtensible(owner);
  } catch {
    return false;
  }
}

/** The method as it is now: our own is met by its property, also where a proxy shows another one each time. */
export function methodOf(owner: object, name: string): AnyFunction {
  const own = Object.getOwnPropertyDescriptor(owner, name)?.value as unknown;
  return (typeof own === 'function' ? own : memberOf(owner, name)) as AnyFunction;
}
