import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { QueuedEvent, QueuedFlag } from './exporter.ts';
import { DIRECTORY_MODE, FILE_MODE } from './spool/files.ts';

/** One line of the dead-letter file. `phospho-express replay` sends its event or flag again. */
export interface DeadLetter {
  /** ISO 8601. */
  at: string;
  kind: 'event' | 'flag';
  task_id: string;
  /** `refused`: the server found it invalid. `task_lost`: the task of this flag never arrived. */
  reason: 'refused' | 'task_lost';
  /** In the server's words. */
  message: string;
  event?: unknown;
  flag?: Omit<QueuedFlag, 'taskId'>;
}

/** The file in a spool's directory. */
export const DEAD_LETTER_FILE = 'dead-letters.jsonl';

/** Beyond this the file is left as it is, bytes: somebody should look at it. */
export const MAX_DEAD_LETTER_BYTES: number = 64 * 1024 * 1024;

/**
 * What the server will not take, kept for a person to look at and to send again. The file is opened for each
 * letter, so that it may be moved away at any time.
 */
export class DeadLetters {
  readonly #dir: string;
  readonly #onFault: (error: unknown) => void;

  constructor(dir: string, onFault: (error: unknown) => void) {
    this.#dir = dir;
    this.#onFault = onFault;
  }

  get path(): string {
    return join(this.#dir, DEAD_LETTER_FILE);
  }

  addEvent({ taskId, json }: QueuedEvent, message: string): void {
    const head = { at: now(), kind: 'event', task_id: taskId, reason: 'refused', message };
    // The event's JSON goes in as it is: its only line breaks would be between its parts.
    const text = json.replace(/[\r\n]+/g, ' ');
    this.#append(`${JSON.stringify(head).slice(0, -1)},"event":${text}}\n`);
  }

  addFlag(flag: QueuedFlag, reason: DeadLetter['reason'], message: string): void {
    const { taskId, ...rest } = flag;
    const letter = { at: now(), kind: 'flag', task_id: taskId, reason, message, flag: rest };
    this.#append(`${JSON.stringify(letter)}\n`);
  }

  /** In one write: lines of several processes do not mix. */
  #append(line: string): void {
    try {
      mkdirSync(this.#dir, { recursive: true, mode: DIRECTORY_MODE });
      const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
      if (size + line.length > MAX_DEAD_LETTER_BYTES) {
        throw new Error(`${this.path} has reached ${MAX_DEAD_LETTER_BYTES} bytes`);
      }
      appendFileSync(this.path, line, { mode: FILE_MODE });
    } catch (error) {
      this.#onFault(error);
    }
  }
}

function now(): string {
  return new Date().toISOString();
}
