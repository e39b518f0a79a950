/** What of OpenTelemetry's API (1.x) we use, as it is on the global object once an app has set it up. */
interface ContextManager {
  active(): { setValue(key: symbol, value: unknown): unknown };
  with<R>(context: unknown, run: () => R): R;
}

const API = Symbol.for('opentelemetry.js.api.1');
/** https://github.com/open-telemetry/opentelemetry-js: `suppressTracing` in its core. */
const SUPPRESSED = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Runs what is none of the app's own doings: where the app traces its HTTP requests with OpenTelemetry, those of ours
 * are no spans of its traces, and carry no headers of them.
 */
export function untraced<R>(run: () => R): R {
  const manager = Reflect.get(globalThis, API)?.context as ContextManager | undefined;
  if (typeof manager?.with !== 'function') return run();
  return manager.with(manager.active().setValue(SUPPRESSED, true), run);
}
