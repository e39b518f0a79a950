import type { Store } from '../store/store.ts';
import type { Meter } from './meter.ts';

/** The parts of a store whose calls are timed. */
const PARTS = [
  'projects',
  'keys',
  'tasks',
  'sessions',
  'tests',
  'comparisons',
  'dashboard',
  'logins',
  'spans',
  'audit',
  'removal',
  'transfer',
] as const satisfies (keyof Store)[];

/** The store with every call of its parts timed, waiting for the connection included: that is what callers feel. */
export function timedStore(store: Store, meter: Meter): Store {
  const parts = Object.fromEntries(PARTS.map((part) => [part, timed(store[part], part, meter)]));
  return {
    ...(parts as Pick<Store, (typeof PARTS)[number]>),
    check: () => store.check(),
    close: () => store.close(),
  };
}

function timed<Part extends object>(target: Part, name: string, meter: Meter): Part {
  const calls = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_, key) {
      const known = calls.get(key);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      const call = async (...args: unknown[]): Promise<unknown> => {
        const start = performance.now();
        let hasFailed = true;
        try {
          // Private fields are the target's, not the proxy's.
          const answer: unknown = await Reflect.apply(member, target, args);
          hasFailed = false;
          return answer;
        } finally {
          meter.database(`${name}.${String(key)}`, (performance.now() - start) / 1000, hasFailed);
        }
      };
      calls.set(key, call);
      return call;
    },
  });
}
