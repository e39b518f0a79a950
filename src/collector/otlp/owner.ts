import type { JsonObject } from '../../types.ts';
import { id } from '../inputs/ids.ts';
import type { KeptSpan } from './kept-span.ts';
import type { Attributes, Value } from './span.ts';
import type { Node, TraceTree } from './tree.ts';

/** Whose a task is, and which. */
export interface Owner {
  taskId: string | undefined;
  sessionId: string | undefined;
  userId: string | undefined;
  testId: string | undefined;
  versionId: string | undefined;
  environment: string | undefined;
  metadata: JsonObject;
}

const SESSIONS = [
  ...['phospho.session_id', 'gen_ai.conversation.id', 'session.id'],
  ...['traceloop.association.properties.session_id', 'ai.telemetry.metadata.sessionId'],
];
const USERS = [
  ...['phospho.user_id', 'user.id', 'enduser.id'],
  ...['traceloop.association.properties.user_id', 'ai.telemetry.metadata.userId'],
];
const METADATA = [
  'ai.telemetry.metadata.',
  'traceloop.association.properties.',
  'phospho.metadata.',
] as const;

/**
 * Reads the ids of the work at a top: what it says itself, what a later span of its trace gives it
 * (`phospho.propagate`), what the spans above say (a request's), what the work within says.
 */
export function ownerOf(
  top: Node,
  within: readonly Node[],
  tree: TraceTree,
  givers: readonly KeptSpan[],
): Owner {
  const given = givers.filter((giver) => giver.start >= top.span.start).toReversed();
  const inner = within.map(({ span }) => span);
  const sources = [top.span, ...given, ...tree.above(top.span), ...inner];
  const all = sources.map(({ attributes }) => attributes);
  const find = (names: readonly string[]) => firstId(all, names);
  return {
    taskId: find(['phospho.task_id']),
    sessionId: find(SESSIONS),
    userId: firstText(all, USERS),
    testId: find(['phospho.test_id']),
    versionId: firstText(all, ['phospho.version_id']) ?? top.span.origin.version,
    environment: firstText(all, ['phospho.environment']) ?? top.span.origin.environment,
    metadata: Object.fromEntries(all.toReversed().flatMap(metadataIn)),
  };
}

/** What an id names. */
export type Named = 'task' | 'session' | 'user';

const NAMES: Record<Named, readonly string[]> = {
  task: ['phospho.task_id'],
  session: SESSIONS,
  user: USERS,
};

/** The ids of a kind that a span gives. */
export function namesOf({ attributes }: KeptSpan, named: Named): string[] {
  return NAMES[named].flatMap((name) => textOf(attributes[name]) ?? []);
}

/** Of several tops that are one task: the first that says it. */
export function together(owners: readonly Owner[]): Owner {
  const first = <K extends keyof Owner>(key: K) =>
    owners.find((owner) => owner[key] !== undefined)?.[key] as Owner[K];
  return {
    ...{ taskId: first('taskId'), sessionId: first('sessionId'), userId: first('userId') },
    ...{ testId: first('testId'), versionId: first('versionId') },
    environment: first('environment'),
    metadata: Object.fromEntries(
      owners.toReversed().flatMap(({ metadata }) => Object.entries(metadata)),
    ),
  };
}

/** Spans that give their ids to the earlier ones of their trace, by start. */
export function giversOf(spans: readonly KeptSpan[]): KeptSpan[] {
  return spans.filter(({ attributes }) => String(attributes['phospho.propagate']) === 'true');
}

/** An id that cannot be one is passed over, as one that is absent. */
function firstId(all: readonly Attributes[], names: readonly string[]): string | undefined {
  for (const attributes of all)
    for (const name of names) {
      const found = id.safeParse(textOf(attributes[name]));
      if (found.success) return found.data;
    }
  return undefined;
}

function firstText(all: readonly Attributes[], names: readonly string[]): string | undefined {
  for (const attributes of all)
    for (const name of names) {
      const text = textOf(attributes[name]);
      if (text !== undefined && text !== '') return text;
    }
  return undefined;
}

/** Users are numbers as often. */
function textOf(value: Value | undefined): string | undefined {
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined;
}

function metadataIn(attributes: Attributes): [string, Value][] {
  return METADATA.flatMap((prefix) =>
    Object.entries(attributes).flatMap(([key, value]): [string, Value][] =>
      key.startsWith(prefix) && key.length > prefix.length
        ? [[key.slice(prefix.length), value]]
        : [],
    ),
  );
}
