import type { Step } from '../../types.ts';
import type { Node } from './tree.ts';
import type { Work } from './work.ts';

/** As many as our own library sends. */
const MAX_STEPS = 1_000;
/** Characters of a step's input and of its output. */
const MAX_TEXT = 65_536;
/** What is deeper stands at this depth: a page indents no further. */
const MAX_DEPTH = 32;

export interface Steps {
  steps: Step[];
  leftOut: number;
}

/** Where a step goes: a list that its owner has only once there is a step in it. */
interface Place {
  list: Step[] | undefined;
  owner: Step | undefined;
  depth: number;
}

/**
 * Steps of a task, nested as their spans. Without recursion: a trace may be as deep as it is long.
 *
 * @param shows - whether a span is a step; else what is below takes its place
 */
export function stepsOf(
  nodes: readonly Node[],
  workOf: (node: Node) => Work,
  shows: (node: Node) => boolean,
): Steps {
  const steps: Step[] = [];
  let count = 0;
  let leftOut = 0;
  const waiting: [Node, Place][] = [];
  const wait = (children: readonly Node[], place: Place) => {
    for (const node of children.toReversed()) waiting.push([node, place]);
  };
  wait(nodes, { list: steps, owner: undefined, depth: 1 });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [node, place] = next;
    const isShown = shows(node);
    if (isShown) count++;
    if (!isShown || count > MAX_STEPS) {
      if (isShown) leftOut++;
      wait(node.children, place);
      continue;
    }
    const step = stepOf(node, workOf(node));
    if (place.list === undefined) {
      place.list = [];
      if (place.owner !== undefined) place.owner.steps = place.list;
    }
    place.list.push(step);
    const isDeepest = place.depth >= MAX_DEPTH;
    wait(
      node.children,
      isDeepest ? place : { list: undefined, owner: step, depth: place.depth + 1 },
    );
  }
  return { steps, leftOut };
}

function stepOf({ span }: Node, work: Work): Step {
  const { input, output, model, usage, finishReason, toolCalls, error } = work;
  return {
    step_id: span.spanId,
    name: span.name,
    ...(input !== undefined && { input: shorten(input) }),
    ...(output !== undefined && { output: shorten(output) }),
    started_at: span.start,
    duration_ms: durationOf(span),
    outcome: span.isError ? 'error' : 'complete',
    ...(error !== undefined && { error: shorten(error) }),
    ...(model !== undefined && { model }),
    ...(usage !== undefined && { usage }),
    ...(finishReason !== undefined && { finish_reason: finishReason }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
}

/** Milliseconds, to the microsecond. */
export function durationOf({ start, end }: { start: number; end: number }): number {
  return Math.round((end - start) * 1000) / 1000;
}

function shorten(text: string): string {
  return text.length <= MAX_TEXT
    ? text
    : `${text.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
