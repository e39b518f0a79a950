import { AsyncResource } from 'node:async_hooks';
import type { Delivery } from '../delivery/exporter.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { buildEvent, type EventDefaults, fittingJson, withoutBodies } from './build-event.ts';
import type { Extracted } from './extracted.ts';
import { type Mask, maskCredentials, maskDeep } from './mask.ts';
import { errorText, OpenTask, type TaskEnd } from './task.ts';

export interface RecorderOptions {
  delivery: Delivery;
  logger: GuardedLogger;
  defaults: EventDefaults;
  mask: Mask | undefined;
  isEnabled: boolean;
}

export interface OpenOptions {
  taskId?: string | undefined;
  parentTaskId?: string | undefined;
}

interface Settled {
  task: OpenTask;
  end: TaskEnd;
  epoch: number;
  settledAt: number;
  elapsedMs: number;
}

/** How long one turn of serialising may hold the event loop, milliseconds. */
const SLICE_MS = 5;

/**
 * The middle: doors open tasks and settle them; everything that costs (extracting, masking, serialising)
 * happens later, in short slices, and ends at delivery.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  /** What is settled here, and all timers and sockets of its delivery, must not hold some request's context. */
  readonly #outside = new AsyncResource('phospho-express.recorder');
  #settled: Settled[] = [];
  #scheduled = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get isEnabled(): boolean {
    return this.#options.isEnabled;
  }

  get logger(): GuardedLogger {
    return this.#options.logger;
  }

  open({ taskId, parentTaskId }: OpenOptions = {}): OpenTask {
    const task = new OpenTask(taskId, parentTaskId);
    this.#options.delivery.opened(task.id);
    return task;
  }

  /** The task is not worth a record. */
  discard(task: OpenTask): void {
    if (!task.claimEnd()) return;
    task.release();
    this.#options.delivery.discarded(task.id);
  }

  /**
   * Makes the task's one record; a second call does nothing. False: `end.extract` will not be called, so
   * that whatever it would have given back is the caller's to give back.
   */
  settle(task: OpenTask, end: TaskEnd): boolean {
    if (!task.claimEnd()) return false;
    const { delivery, logger } = this.#options;
    const epoch = delivery.settled();
    if (!delivery.isConfigured()) {
      const missing =
        'no API key or no project: set PHOSPHO_API_KEY and PHOSPHO_PROJECT_ID, or pass apiKey and projectId to new Phospho(); tasks are not recorded until then';
      logger.once('unconfigured', 'warn', missing);
      task.release();
      delivery.dropSettled(task.id, epoch, 'unconfigured', missing);
      return false;
    }
    const elapsedMs = task.elapsedMs();
    this.#settled.push({ task, end, epoch, settledAt: performance.now(), elapsedMs });
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Unref'd: the flush at beforeExit sees to what is left when the process has nothing else to do.
    this.#outside.runInAsyncScope(() => setImmediate(() => this.#work()).unref());
  }

  #work(): void {
    this.#scheduled = false;
    const until = performance.now() + SLICE_MS;
    let done = 0;
    for (const settled of this.#settled) {
      this.#record(settled);
      done += 1;
      if (performance.now() >= until) break;
    }
    this.#settled = this.#settled.slice(done);
    if (this.#settled.length > 0) this.#schedule();
  }

  #record(settled: Settled): void {
    try {
      const extracted = settled.end.extract();
      if (extracted instanceof Promise) {
        extracted.then(
          (value) => this.#deliver(settled, value),
          (error) => this.#giveUp(settled, error),
        );
      } else {
        this.#deliver(settled, extracted);
      }
    } catch (error) {
      this.#giveUp(settled, error);
    }
  }

  #deliver(settled: Settled, extracted: Extracted): void {
    let json: string;
    try {
      json = this.#serialize(settled, extracted);
    } catch (error) {
      this.#giveUp(settled, error);
      return;
    }
    settled.task.release();
    this.#options.delivery.accept({
      taskId: settled.task.id,
      json,
      bytes: Buffer.byteLength(json),
      settledAt: settled.settledAt,
      epoch: settled.epoch,
    });
  }

  #serialize({ task, end, elapsedMs }: Settled, extracted: Extracted): string {
    const { defaults, mask, logger } = this.#options;
    const event = buildEvent(task, end, extracted, elapsedMs, defaults);
    if (mask === undefined) return maskCredentials(fittingJson(event));
    try {
      const masked = maskDeep(event, mask) as typeof event;
      // Ids are keys, not texts: a mask that changes them would part a task from its flag.
      masked.task_id = event.task_id;
      return maskCredentials(fittingJson(masked));
    } catch (error) {
      logger.once('mask', 'warn', `the mask failed, so no text was sent: ${errorText(error)}`);
      return fittingJson(withoutBodies(event));
    }
  }

  #giveUp({ task, epoch }: Settled, error: unknown): void {
    task.release();
    const message = `the task could not be serialised: ${errorText(error)}`;
    this.#options.delivery.dropSettled(task.id, epoch, 'unserializable', message);
  }
}
