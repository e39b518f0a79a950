import type { JsonObject, Step, Usage } from '../../types.ts';
import { additional } from '../inputs/log-event.ts';
import type { NewTask } from '../store/store.ts';
import type { KeptSpan } from './kept-span.ts';
import { giversOf, type Owner, ownerOf, together } from './owner.ts';
import { durationOf, type Steps, stepsOf } from './steps.ts';
import { byStart, type Node, type TraceTree, treeOf } from './tree.ts';
import { type Work, workOf } from './work.ts';

/** The id of a task that a span becomes. */
export function idOfSpan(traceId: string, spanId: string): string {
  return `otel_${traceId}_${spanId}`;
}

/** The instrumentation of this package, in an app that also sends its tasks as events, with their texts. */
const OWN_SCOPE = 'phospho-express';
const DEFAULT_ENVIRONMENT = 'default environment';

export interface FoldedTrace {
  tasks: NewTask[];
  /** Steps for tasks that come, or have come, by another way. */
  additions: { taskId: string; steps: Step[] }[];
  /** Whether spans are awaited that contain what is here. */
  isIncomplete: boolean;
}

/**
 * The tasks of a trace: each piece of work that no other work contains, with the work below it as steps. Tops that
 * name the same task are one. It depends on the set of spans alone, not on how and in which order they came.
 */
export function foldTrace(traceId: string, spans: readonly KeptSpan[]): FoldedTrace {
  const tree = treeOf(spans);
  const givers = giversOf([...spans].sort(byStart));
  const groups = new Map<string, { node: Node; owner: Owner }[]>();
  for (const node of tree.tops) {
    const owner = ownerOf(node, nodesWithin(node), tree, givers);
    const id = owner.taskId ?? idOfSpan(traceId, node.span.spanId);
    groups.set(id, [...(groups.get(id) ?? []), { node, owner }]);
  }
  const folded: FoldedTrace = { tasks: [], additions: [], isIncomplete: tree.isIncomplete };
  for (const [id, members] of groups) {
    const nodes = members.map(({ node }) => node);
    if (nodes.some(({ span }) => span.origin.scope === OWN_SCOPE)) {
      const { steps } = stepsOf(nodes, worked(), ({ span }) => span.origin.scope !== OWN_SCOPE);
      if (steps.length > 0) folded.additions.push({ taskId: id, steps });
    } else {
      const owner = together(members.map((member) => member.owner));
      folded.tasks.push(taskOf(id, traceId, nodes, owner, tree));
    }
  }
  return folded;
}

function taskOf(
  id: string,
  traceId: string,
  nodes: readonly Node[],
  owner: Owner,
  tree: TraceTree,
): NewTask {
  const work = worked();
  const only = nodes.length === 1 ? nodes[0] : undefined;
  const isShown = (node: Node) => only !== undefined || isMoreThanIds(node, work(node));
  const { steps, leftOut } = stepsOf(only?.children ?? nodes, work, isShown);
  const all = nodes.flatMap((node) => [node, ...nodesWithin(node)]);
  const told = (only && [only, ...all]) ?? all;
  const input = told.filter(isNoTool).find((node) => work(node).input !== undefined);
  const output = lastOf(only, all.filter(isNoTool), (node) => work(node).output !== undefined);
  const said = input && work(input);
  const answered = output && work(output);
  const span = nodes[0]?.span as KeptSpan;
  const end = Math.max(...nodes.map((node) => node.span.end));
  const failed = nodes.find((node) => node.span.isError);
  const metadata = metadataOf({
    ...owner.metadata,
    ...usageOf(nodes, work),
    model: modelOf(nodes, work),
    provider: firstOf(told, (node) => work(node).provider),
    system_prompt: firstOf(told, (node) => work(node).systemPrompt),
    finish_reason: (only && work(only).finishReason) ?? answered?.finishReason,
    tool_calls: only && nonEmpty(work(only).toolCalls),
    time_to_first_token_ms: only && work(only).firstTokenMs,
    latency_ms: durationOf({ start: span.start, end }),
    outcome: failed === undefined ? 'complete' : 'error',
    error: failed && work(failed).error,
    name: span.name,
    route: firstOf([span, ...tree.above(span)], ({ attributes }) =>
      textOrNone(attributes['http.route']),
    ),
    service_name: span.origin.service,
    user_id: owner.userId,
    version_id: owner.versionId,
    trace_id: traceId,
    span_id: span.spanId,
    ...stepsIn({ steps, leftOut }),
  });
  return {
    id,
    sessionId: owner.sessionId ?? null,
    createdAt: Math.floor(span.start / 1000),
    input: said?.input ?? '',
    output: answered?.output ?? null,
    additionalInput: said === undefined ? null : rawOf('raw_input', said.rawInput, said.input),
    additionalOutput:
      answered === undefined ? null : rawOf('raw_output', answered.rawOutput, answered.output),
    metadata,
    data: null,
    flag: null,
    environment: owner.environment ?? DEFAULT_ENVIRONMENT,
    testId: owner.testId ?? null,
    userId: owner.userId ?? null,
    versionId: owner.versionId ?? null,
  };
}

/** Reads each span once. */
function worked(): (node: Node) => Work {
  const read = new Map<Node, Work>();
  return (node) => {
    const known = read.get(node) ?? workOf(node.span);
    read.set(node, known);
    return known;
  };
}

/** A span may be there only to give its ids to others. */
function isMoreThanIds({ span, children }: Node, { input, output, model }: Work): boolean {
  const isNamed = Object.keys(span.attributes).some((key) => !key.startsWith('phospho.'));
  return isNamed || children.length > 0 || (input ?? output ?? model) !== undefined;
}

const TOOL_MARKS = ['gen_ai.tool.name', 'ai.toolCall.name'];
const KINDS = ['gen_ai.operation.name', 'traceloop.span.kind', 'openinference.span.kind'];

/** What a tool was given and has answered is no text of the task. */
function isNoTool({ span: { attributes } }: Node): boolean {
  return (
    TOOL_MARKS.every((key) => attributes[key] === undefined) &&
    KINDS.every((key) => !/^(?:execute_)?tool$/i.test(String(attributes[key])))
  );
}

/** The last one to end; of two that end together the outer one. */
function lastOf(
  only: Node | undefined,
  nodes: readonly Node[],
  fits: (node: Node) => boolean,
): Node | undefined {
  if (only !== undefined && fits(only)) return only;
  return nodes
    .filter(fits)
    .reduce<Node | undefined>(
      (last, node) => (last && last.span.end >= node.span.end ? last : node),
      undefined,
    );
}

function firstOf<T, R>(items: readonly T[], read: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = read(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The outermost spans of which something is known, by start. */
function outermost<T>(nodes: readonly Node[], read: (node: Node) => T | undefined): T[] {
  const found: T[] = [];
  const waiting = nodes.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const value = read(node);
    if (value !== undefined) found.push(value);
    else waiting.push(...node.children.toReversed());
  }
  return found;
}

/** An agent's own counts are of all within it, so what is below is added up only where it has none. */
function usageOf(nodes: readonly Node[], work: (node: Node) => Work): Usage | undefined {
  const parts = outermost(nodes, (node) => work(node).usage);
  return parts.length === 0 ? undefined : parts.reduce(addUsage);
}

function addUsage(sum: Usage, part: Usage): Usage {
  const fields = Object.keys({ ...sum, ...part }) as (keyof Usage)[];
  return Object.fromEntries(fields.map((field) => [field, (sum[field] ?? 0) + (part[field] ?? 0)]));
}

/** Of the last one: it has most likely given the answer. */
function modelOf(nodes: readonly Node[], work: (node: Node) => Work): string | undefined {
  return outermost(nodes, (node) => work(node).model).at(-1);
}

/** The nodes below one: each before those within it, and by start. */
function nodesWithin(top: Node): Node[] {
  const found: Node[] = [];
  const waiting = top.children.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    found.push(node);
    waiting.push(...node.children.toReversed());
  }
  return found;
}

function stepsIn({ steps, leftOut }: Steps): JsonObject {
  return {
    steps: nonEmpty(steps),
    steps_left_out: leftOut > 0 ? leftOut : undefined,
  };
}

function rawOf(key: 'raw_input' | 'raw_output', raw: unknown, text: string | undefined) {
  return raw === text || raw === undefined ? null : additional(key, raw);
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function metadataOf(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
