import { createReadStream } from 'node:fs';
import type { QueuedFlag } from '../../delivery/exporter.ts';
import { type Line, linesIn } from '../lines.ts';

/** A line that can be sent. */
export type Letter = {
  at: string;
  taskId: string;
  reason: string;
  message: string;
} & ({ kind: 'event'; json: string } | { kind: 'flag'; flag: QueuedFlag });

/** The lines of a file, read as a stream. */
export function linesOf(path: string): AsyncGenerator<Line> {
  return linesIn(createReadStream(path) as AsyncIterable<Buffer>);
}

/** The letter in a line, or why there is none. */
export function readLetter({ bytes, isWhole }: Line): Letter | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { problem: isWhole ? 'is not JSON' : 'is cut off' };
  }
  if (!isObject(value)) return { problem: 'is not a JSON object' };
  const { kind, event, flag } = value;
  const head = {
    at: textOf(value.at),
    reason: textOf(value.reason) || 'refused',
    message: textOf(value.message),
  };
  if (kind === 'event') {
    // Without an id of its own it would be stored anew each time that it is sent.
    if (!isObject(event) || !isId(event.task_id)) return { problem: 'has no event with a task_id' };
    return { ...head, kind, taskId: event.task_id, json: JSON.stringify(event) };
  }
  if (kind !== 'flag') return { problem: 'has a kind other than "event" and "flag"' };
  if (!isId(value.task_id)) return { problem: 'has no task_id' };
  if (!isObject(flag) || (flag.flag !== 'success' && flag.flag !== 'failure')) {
    return { problem: 'has no flag "success" or "failure"' };
  }
  const source = (textOf(flag.source) || 'user') as QueuedFlag['source'];
  const notes = typeof flag.notes === 'string' ? flag.notes : undefined;
  const { task_id: taskId } = value;
  return { ...head, kind, taskId, flag: { taskId, flag: flag.flag, source, notes } };
}

/** The line of a letter that was refused again. Its time stays: flags of one task are ordered by it. */
export function withMessage(line: Line, message: string): Buffer {
  const letter = JSON.parse(line.bytes.toString('utf8')) as object;
  return Buffer.from(JSON.stringify({ ...letter, reason: 'refused', message }));
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
