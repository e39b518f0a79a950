import type { Attributes, Span } from './span.ts';

/** What is kept of a span until its trace is folded into tasks, as JSON. */
export type KeptSpan = Omit<Span, 'traceId'> & {
  /** Whether it tells of a model's work: a step or a task. Others only link what is above and below them. */
  isWork: boolean;
};

/** OpenTelemetry's conventions, phospho's, OpenLLMetry's, the Vercel AI SDK's and OpenInference's. */
const WORK_PREFIXES = ['gen_ai.', 'phospho.', 'traceloop.', 'ai.', 'llm.', 'openinference.'];
const WORK_MARKS =
  /^(?:gen_ai\.|phospho\.|llm\.|ai\.operationId$|traceloop\.(?:span|entity)\.|openinference\.span\.kind$)/;
/** Whose request it was, which often only the span of an HTTP request says; and what belongs to an error. */
const ALWAYS = [
  'session.id',
  'user.id',
  'enduser.id',
  'http.route',
  'error.type',
  'exception.type',
  'exception.message',
];
const INPUT_OUTPUT = ['input.value', 'output.value'];

/**
 * The span without what no task shows: a database's statement or a request's headers are nobody's business here.
 *
 * @param now - UNIX milliseconds; stands in for a time that is absent or more than a day ahead
 */
export function keptSpan(span: Span, now: number): KeptSpan {
  const { spanId, parentId, name, isError, message, origin } = span;
  const isWork = isWorkSpan(span);
  const keeps = (key: string) =>
    ALWAYS.includes(key) ||
    (isWork &&
      (WORK_PREFIXES.some((prefix) => key.startsWith(prefix)) || INPUT_OUTPUT.includes(key)));
  const events = span.events
    .filter(({ name }) => isWork && (name.startsWith('gen_ai.') || name === 'exception'))
    .map(({ attributes, ...event }) => ({
      ...event,
      attributes: only(attributes, (key) => key !== 'exception.stacktrace'),
    }));
  return {
    spanId,
    ...(parentId !== undefined && { parentId }),
    name: name.slice(0, MAX_NAME),
    ...saneTimes(span, now),
    ...(isError && { isError }),
    ...(isWork && message !== undefined && { message }),
    attributes: only(span.attributes, keeps),
    events,
    origin,
    isWork,
  };
}

const MAX_NAME = 256;
const DAY_MS = 24 * 60 * 60 * 1000;

function isWorkSpan({ attributes, events }: Span): boolean {
  return (
    Object.keys(attributes).some((key) => WORK_MARKS.test(key)) ||
    events.some(({ name }) => name.startsWith('gen_ai.'))
  );
}

function saneTimes({ start, end }: Span, now: number): Pick<Span, 'start' | 'end'> {
  const isSane = (time: number) => time > 0 && time <= now + DAY_MS;
  if (isSane(start)) return { start, end: isSane(end) ? end : start };
  return isSane(end) ? { start: end, end } : { start: now, end: now };
}

function only(attributes: Attributes, keeps: (key: string) => boolean): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => keeps(key)));
}
