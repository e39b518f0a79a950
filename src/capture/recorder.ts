import type { Delivery } from '../delivery/exporter.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { Outside } from '../internal/outside.ts';
import { buildEvent, type EventDefaults, fittingJson, withoutBodies } from './build-event.ts';
import { currentAmbient } from './context.ts';
import { errorText } from './error-text.ts';
import type { Extracted } from './extracted.ts';
import { maskCredentials } from './mask.ts';
import { maskEvent, maskIds } from './mask-event.ts';
import { type Privacy, stricter } from './privacy.ts';
import { OpenTask, type TaskEnd } from './task.ts';
import { endSpans, endSpansBarely, type Tracing } from './tracing.ts';
import { errorName } from './without-texts.ts';

export interface RecorderOptions {
  delivery: Delivery;
  logger: GuardedLogger;
  defaults: EventDefaults;
  /** Of every task, whatever its door adds. */
  privacy: Privacy;
  isEnabled: boolean;
  /** Undefined: tasks are no spans. */
  tracing: Tracing | undefined;
  /** Called as a task settles, in the context in which it was opened. */
  onSettled?: (() => void) | undefined;
}

export interface OpenOptions {
  taskId?: string | undefined;
  parentTaskId?: string | undefined;
  /** Of the task that it is within, or of its door. */
  privacy?: Privacy | undefined;
  /** Of its span; undefined: it may turn out to be no task. */
  spanName?: string | undefined;
  /** By it a model is asked. */
  isModelCall?: boolean | undefined;
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
 * So many tasks may wait to be serialised; beyond, each new one pays for the oldest. An app that settles
 * thousands in one go would else keep all of their contents at once; and texts that wait for longer than the
 * collector of young garbage takes to come round twice are kept until the next full collection.
 */
const MAX_WAITING = 100;

/**
 * The middle: doors open tasks and settle them; everything that costs (extracting, masking, serialising)
 * happens later, in short slices, and ends at delivery.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  /** What is settled here, and all timers and sockets of its delivery, must not hold some request's context. */
  readonly #outside = new Outside('phospho-express.recorder');
  #settled: (Settled | undefined)[] = [];
  /** How many of them have been taken. */
  #taken = 0;
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

  open({
    taskId,
    parentTaskId,
    privacy,
    spanName,
    isModelCall = false,
  }: OpenOptions = {}): OpenTask {
    const task = new OpenTask(taskId, parentTaskId, stricter(this.#options.privacy, privacy));
    task.ambient = currentAmbient();
    const { onSettled, tracing, isEnabled } = this.#options;
    if (isEnabled) task.span = tracing?.open(spanName, isModelCall);
    if (onSettled) {
      const context = new Outside('phospho-express.task');
      task.onSettled = () => context.runInAsyncScope(onSettled);
    }
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
      endSpansBarely(task, task.elapsedMs());
      task.release();
      delivery.dropSettled(task.id, epoch, 'unconfigured', missing);
      return false;
    }
    const elapsedMs = end.elapsedMs ?? task.elapsedMs();
    this.#settled.push({ task, end, epoch, settledAt: performance.now(), elapsedMs });
    if (this.#settled.length - this.#taken > MAX_WAITING) {
      this.#outside.runInAsyncScope(() => this.#recordNext());
    }
    this.#schedule();
    task.onSettled?.();
    return true;
  }

  /** All of it now: the process ends. What can only be read asynchronously is left. */
  finish(): void {
    while (this.#recordNext());
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
    while (this.#recordNext() && performance.now() < until);
    if (this.#settled.length > 0) this.#schedule();
  }

  /** False: there is no more. Masks and hooks of the app may settle further tasks meanwhile. */
  #recordNext(): boolean {
    const next = this.#settled[this.#taken];
    if (next === undefined) {
      this.#settled = [];
      this.#taken = 0;
      return false;
    }
    this.#settled[this.#taken] = undefined;
    this.#taken += 1;
    this.#record(next);
    return true;
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
    let serialized: { json: string; isLeftOut: boolean };
    try {
      serialized = this.#serialize(settled, extracted);
    } catch (error) {
      this.#giveUp(settled, error);
      return;
    }
    settled.task.release();
    const { json, isLeftOut } = serialized;
    const event = {
      taskId: settled.task.id,
      json,
      bytes: Buffer.byteLength(json),
      settledAt: settled.settledAt,
      epoch: settled.epoch,
    };
    if (isLeftOut) this.#options.delivery.park(event);
    else this.#options.delivery.accept(event);
  }

  #serialize(
    { task, end, elapsedMs }: Settled,
    extracted: Extracted,
  ): { json: string; isLeftOut: boolean } {
    const { defaults, logger } = this.#options;
    const { masks } = task.privacy;
    const event = buildEvent(task, end, extracted, elapsedMs, defaults);
    const ids = task.span?.ids();
    const isError = event.metadata?.outcome === 'error';
    const isLeftOut = !isError && (end.isSampledOut?.(event.session_id ?? task.id) ?? false);
    try {
      const masked = {
        ...(masks.length > 0 ? maskEvent(event, masks) : event),
        ...maskIds(event, masks),
      };
      if (ids) masked.metadata = { ...masked.metadata, ...ids };
      const json = maskCredentials(fittingJson(masked));
      endSpans(task, masked, elapsedMs);
      return { json, isLeftOut };
    } catch (error) {
      // Its message may quote the text.
      logger.once('mask', 'warn', `the mask failed, so no text was sent: ${errorName(error)}`);
      endSpansBarely(task, elapsedMs);
      return { json: fittingJson(withoutBodies(event, masks)), isLeftOut };
    }
  }

  #giveUp({ task, epoch }: Settled, error: unknown): void {
    endSpansBarely(task, task.elapsedMs());
    task.release();
    const message = `the task could not be serialised: ${errorText(error)}`;
    this.#options.delivery.dropSettled(task.id, epoch, 'unserializable', message);
  }
}
