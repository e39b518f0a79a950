import { describeError, isThenable } from '../internal/hooks.ts';
import type { AppRequest, OfRequest } from './types.ts';

/** Says what a user's own code did wrong, once for each key. */
export type WarnOnce = (key: string, message: string) => void;

/** What a function of the user's that throws, or is async and so can say nothing in time, counts as. */
export interface WhenBroken {
  verdict: boolean;
  consequence: string;
}

/** A function of the user's that says yes or no of a request, and reaches nobody when it fails. */
export function requestTest(
  name: string,
  test: OfRequest<[], boolean>,
  whenBroken: WhenBroken,
  warnOnce: WarnOnce,
): (req: AppRequest) => boolean {
  const broken = (problem: string): boolean => {
    const { verdict, consequence } = whenBroken;
    warnOnce(name, `the option ${name} of middleware() ${problem}; such a request ${consequence}`);
    return verdict;
  };
  return (req) => {
    try {
      const verdict: unknown = test(req);
      if (!isThenable(verdict)) return Boolean(verdict);
      verdict.then(undefined, () => {});
      return broken('is async; what it answers must be at hand');
    } catch (error) {
      return broken(`failed: ${describeError(error)}`);
    }
  };
}
