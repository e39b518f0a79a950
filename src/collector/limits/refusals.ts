import { HttpError } from '../http/http-error.ts';
import { type Limit, type LimitValues, SETTING } from './limit-values.ts';

const WORDS: Readonly<Record<keyof LimitValues, string>> = {
  requestsPerMinute: 'requests a minute',
  eventsPerMinute: 'events a minute',
  eventsPerDay: 'events a day (UTC)',
};

export function limitReached(
  projectId: string,
  name: keyof LimitValues,
  limit: Limit,
  waitMs: number,
): HttpError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new HttpError(
    429,
    `Project ${projectId} has reached its limit of ${described(name, limit)}. Send it again in ${seconds} s`,
    { 'retry-after': String(seconds) },
  );
}

/** To wait would not help; senders of ours halve a batch that is answered so. */
export function neverFits(
  projectId: string,
  name: keyof LimitValues,
  limit: Limit,
  count: number,
): HttpError {
  return new HttpError(
    413,
    `This batch of ${count} is larger than the limit of project ${projectId}, ${described(name, limit)}. Send fewer at once`,
  );
}

function described(name: keyof LimitValues, { value, isOwn }: Limit): string {
  const setting = SETTING[name];
  const where = isOwn
    ? `${setting}: ${value} in its settings`
    : `${name} of the collector; its own setting would be ${setting}`;
  return `${value} ${WORDS[name]} (${where})`;
}
