import { callHook, describeError } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { publish } from './channels.ts';
import type { DropReason } from './exporter.ts';

/** What `onDrop` is told: one call per group of events or flags that were let go together. */
export interface DropInfo {
  kind: 'event' | 'flag';
  /** `refused`: the server found it invalid; it counts as dead-lettered. Else as in `stats()`. */
  reason: DropReason | 'refused' | 'task_lost';
  /** Empty where the ids cannot be known: a record of the spool was damaged. */
  taskIds: readonly string[];
  count: number;
  message: string;
}

export interface DeliveryHooks {
  onDrop?: ((info: DropInfo) => void) | undefined;
  /** A fault: a request that failed and will be tried again, a disk that refuses. Nothing is lost by it yet. */
  onError?: ((error: unknown) => void) | undefined;
  /** The task is in the queue; with a spool it is in its file, and will survive the end of the process. */
  onAccepted?: ((taskId: string) => void) | undefined;
  /** The server has the task. */
  onDelivered?: ((taskId: string) => void) | undefined;
}

/** How often a repeated complaint is said again, milliseconds. */
const REPEAT_MS = 60_000;

/** Tells the user's hooks and the log of losses and faults: every one to the hooks, some to the log. */
export class Observers {
  readonly #hooks: DeliveryHooks;
  readonly #logger: GuardedLogger;
  readonly #saidAt = new Map<string, number>();

  constructor(hooks: DeliveryHooks, logger: GuardedLogger) {
    this.#hooks = hooks;
    this.#logger = logger;
  }

  dropped(info: DropInfo): void {
    publish('dropped', info);
    if (info.reason === 'superseded' || info.reason === 'duplicate') return;
    // The recorder says the same, by the same key: one warning tells what to set.
    if (info.reason === 'unconfigured') this.#logger.once('unconfigured', 'warn', info.message);
    else {
      const what = `dropped ${info.count} ${info.kind}(s), reason ${info.reason}`;
      this.#complain(`drop:${info.kind}:${info.reason}`, `${what}: ${info.message}`);
    }
    callHook(this.#logger, 'onDrop', this.#hooks.onDrop, info);
  }

  failed(what: string, error: unknown, consequence: string): void {
    publish('error', { what, error });
    const message = describeError(error);
    this.#complain(`fail:${what}`, `${what} failed, ${consequence}: ${message}`);
    callHook(this.#logger, 'onError', this.#hooks.onError, error);
  }

  /** Nothing of the kind gets through until somebody mends the settings: said once until something does. */
  held(what: string, error: unknown): void {
    publish('error', { what, error });
    const message = `${what} failed, kept; check the API key, project and base URL: ${describeError(error)}`;
    this.#logger.once(`held:${what}`, 'error', message);
    callHook(this.#logger, 'onError', this.#hooks.onError, error);
  }

  /** A request got through. */
  recovered(what: string): void {
    this.#logger.forget(`held:${what}`);
  }

  accepted(taskId: string): void {
    publish('accepted', { taskId });
    if (this.#hooks.onAccepted) {
      callHook(this.#logger, 'onAccepted', this.#hooks.onAccepted, taskId);
    }
  }

  delivered(taskId: string): void {
    publish('delivered', { taskId });
    if (this.#hooks.onDelivered) {
      callHook(this.#logger, 'onDelivered', this.#hooks.onDelivered, taskId);
    }
  }

  /** Something that had failed works again. */
  news(message: string): void {
    this.#logger.say('info', message);
  }

  #complain(key: string, message: string): void {
    const now = performance.now();
    const last = this.#saidAt.get(key);
    if (last !== undefined && now - last < REPEAT_MS) return;
    this.#saidAt.set(key, now);
    this.#logger.say('warn', message);
  }
}
