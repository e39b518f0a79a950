import { isThenable } from '../internal/hooks.ts';
import type { FeedbackOptions } from './feedback-options.ts';
import type { AppRequest } from './types.ts';

/** Whom tokens given to, or sent by, this request are tied to. @throws what `bind` throws, or a TypeError */
export function bindingOf(bind: FeedbackOptions['bind'], req: AppRequest): string | undefined {
  const bound: unknown = bind?.(req);
  if (bound === undefined || typeof bound === 'string') return bound;
  // Nobody else will handle its rejection, which would end the process.
  if (isThenable(bound)) bound.then(undefined, () => {});
  const came = bound === null ? 'null' : isThenable(bound) ? 'a promise' : typeof bound;
  throw new TypeError(`feedback.bind must return a string or undefined, got ${came}`);
}
