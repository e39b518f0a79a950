import type { TracedSpan, Tracing } from '../capture/tracing.ts';
import { describeError } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { VERSION } from '../internal/version.ts';
import { registeredApi, type Tracer } from './api.ts';
import { TaskSpan } from './task-span.ts';

/**
 * Makes tasks and steps spans where the app has set up OpenTelemetry, looked up for each task: it may be set up
 * after us. Where it has not, that look is all that it costs.
 */
export class OpenTelemetryTracing implements Tracing {
  readonly #logger: GuardedLogger;
  /** One of each provider: an app's tests register several. */
  readonly #tracers = new WeakMap<object, Tracer>();

  constructor(logger: GuardedLogger) {
    this.#logger = logger;
  }

  open(name: string | undefined, isModelCall: boolean): TracedSpan | undefined {
    const api = registeredApi();
    if (api === undefined) return undefined;
    try {
      let tracer = this.#tracers.get(api.trace);
      if (tracer === undefined) {
        tracer = api.trace.getTracer('phospho-express', VERSION);
        this.#tracers.set(api.trace, tracer);
      }
      const setup = {
        tracer,
        contexts: api.context,
        fault: (error: unknown): void => this.#fault(error),
      };
      return new TaskSpan(setup, api.context.active(), name, isModelCall);
    } catch (error) {
      this.#fault(error);
      return undefined;
    }
  }

  #fault(error: unknown): void {
    const message = `a task is no span: OpenTelemetry failed: ${describeError(error)}`;
    this.#logger.once('otel', 'warn', message);
  }
}
