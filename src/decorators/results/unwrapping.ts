import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { follow } from './follow.ts';

type Transform = (value: unknown, ...more: unknown[]) => unknown;
type Unwrap = (transform: Transform) => unknown;

/**
 * `parse()` of openai's resources hands out another promise, which is made from the first one's response and
 * not from the promise itself: what passes there is the call's result as well.
 */
export function followUnwrapped(promise: unknown, call: OpenCall): void {
  if (!(promise instanceof Promise) || !('_thenUnwrap' in promise)) return;
  const { _thenUnwrap: unwrap } = promise as { _thenUnwrap: unknown };
  if (typeof unwrap !== 'function') return;
  cover(promise, '_thenUnwrap', function unwrapped(this: unknown, transform: Transform): unknown {
    const seen: Transform = (value, ...more) => {
      follow(value, call);
      return transform(value, ...more);
    };
    return follow(Reflect.apply(unwrap as Unwrap, this, [seen]), call);
  });
}
