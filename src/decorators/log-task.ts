import { PhosphoArgumentError } from '../errors.ts';
import type { AnyFunction, CallOptions } from './call-options.ts';
import { storeTask } from './metadata.ts';
import { wrapWith } from './wrap.ts';

/** A decorator for methods, in both dialects: TC39's standard one and `experimentalDecorators`. */
export interface LogTaskDecorator<F extends AnyFunction = AnyFunction> {
  <This, M extends F>(method: M, context: ClassMethodDecoratorContext<This, AnyFunction>): M;
  <M extends F>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): TypedPropertyDescriptor<M>;
}

/** The same for methods that the options' hooks can be called for. */
export interface FittingDecorator<O extends CallOptions> {
  <This, M extends AnyFunction>(
    method: M & Fitting<O, M>,
    context: ClassMethodDecoratorContext<This, AnyFunction>,
  ): M;
  <M extends AnyFunction>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M> & Fitting<O, M>,
  ): TypedPropertyDescriptor<M>;
}

/** Else a method's type, given as the only type parameter, would pass for options: it has a `name`. */
interface NoFunction {
  call?: never;
}

/** What the compiler then says: that the method lacks this. */
type Fitting<O, M extends AnyFunction> = O extends AnyFunction | CallOptions<M>
  ? unknown
  : { 'the hooks of @logTask take other arguments than the method, or another result': never };

/**
 * Records each call of a method as a task, or as a step of the task that is open. The dialect is told at
 * run time. Hooks whose parameters have types must fit the method; a decorator cannot give them theirs, so that
 * without types they take anything. All are typed at once where the method is named:
 * `@logTask<ChatService['answer']>({ … })`.
 *
 * @throws PhosphoArgumentError where it stands on something other than a method.
 *
 * @example
 * ```ts
 * import { logTask } from 'phospho-express';
 *
 * class ChatService {
 *   @logTask({ sessionId: (_question: string, chatId: string) => chatId })
 *   async *answer(question: string, chatId: string) {
 *     yield `You asked in ${chatId}: `;
 *     yield question;
 *   }
 * }
 * ```
 */
export function logTask<O extends CallOptions & NoFunction>(
  options: O & { [Name in Exclude<keyof O, keyof CallOptions>]: never },
): FittingDecorator<O>;
export function logTask<F extends AnyFunction = AnyFunction>(
  options?: CallOptions<F>,
): LogTaskDecorator<F>;
export function logTask(options: CallOptions = {}, ...more: unknown[]): LogTaskDecorator {
  // Without parentheses it is the decorator itself, and called with a method or its class, and more.
  if (typeof options !== 'object' || options === null || more.length > 0) {
    throw new PhosphoArgumentError('write @logTask() or @logTask({ … }), with parentheses');
  }
  return ((first: unknown, second: unknown, third?: PropertyDescriptor | number) => {
    if (isStandardContext(second)) return decorateStandard(first, second, options);
    return decorateLegacy(second, third, options);
  }) as LogTaskDecorator;
}

interface StandardContext {
  kind: string;
  name: string | symbol;
}

function isStandardContext(value: unknown): value is StandardContext {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function decorateStandard(
  method: unknown,
  context: StandardContext,
  options: CallOptions,
): unknown {
  if (context.kind !== 'method' || typeof method !== 'function') throw misplaced(context.kind);
  return decorate(method as AnyFunction, options);
}

function decorateLegacy(
  key: unknown,
  descriptor: PropertyDescriptor | number | undefined,
  options: CallOptions,
): PropertyDescriptor {
  if (typeof descriptor === 'number') throw misplaced('parameter');
  if (key === undefined) throw misplaced('class');
  if (typeof descriptor !== 'object' || descriptor === null) throw misplaced('field');
  if (typeof descriptor.value !== 'function') throw misplaced('accessor');
  return { ...descriptor, value: decorate(descriptor.value as AnyFunction, options) };
}

function decorate(method: AnyFunction, options: CallOptions): AnyFunction {
  const decorated = wrapWith(undefined, method, options, classNameOf);
  storeTask(decorated, { name: options.name ?? method.name });
  return decorated;
}

/** The class at the time of the call: of the instance, or the class itself for a static method. */
function classNameOf(self: unknown): string | undefined {
  if (typeof self === 'function') return self.name || undefined;
  if (typeof self !== 'object' || self === null) return undefined;
  const type: unknown = Object.getPrototypeOf(self)?.constructor;
  return typeof type === 'function' && type !== Object ? type.name || undefined : undefined;
}

function misplaced(kind: string): PhosphoArgumentError {
  return new PhosphoArgumentError(
    `@logTask is for methods, and stands on a ${kind} here. For a function held in a field, write: field = wrap(function …)`,
  );
}
