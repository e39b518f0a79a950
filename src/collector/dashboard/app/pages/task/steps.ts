import { tokensText } from '../../format/tokens.ts';
import { isObject, textOf } from '../../text/json-text.ts';

/** A step as it is drawn; senders other than our own library may have left out anything. */
export interface StepNode {
  key: string;
  name: string;
  start: number;
  duration: number;
  outcome: string | null;
  error: string | undefined;
  input: unknown;
  output: unknown;
  /** Of a model call. */
  model: string | undefined;
  tokens: string | null;
  toolCalls: unknown[];
  children: StepNode[];
}

export interface Waterfall {
  roots: StepNode[];
  start: number;
  /** Milliseconds from the first start to the last end, at least 1. */
  length: number;
  count: number;
}

/** What a page can hold; the rest is in the raw JSON. */
export const MAX_STEPS = 500;
const MAX_DEPTH = 32;

export function waterfallOf(steps: unknown): Waterfall | undefined {
  const all: StepNode[] = [];
  const roots = nodesOf(steps, '', 0, all);
  if (all.length === 0) return undefined;
  const start = all.reduce((least, step) => Math.min(least, step.start), Number.POSITIVE_INFINITY);
  const end = all.reduce((most, step) => Math.max(most, step.start + step.duration), start);
  return { roots, start, length: Math.max(1, end - start), count: all.length };
}

function nodesOf(steps: unknown, parent: string, depth: number, all: StepNode[]): StepNode[] {
  if (!Array.isArray(steps) || depth > MAX_DEPTH) return [];
  return steps.flatMap((step, index) => {
    if (!isObject(step) || all.length >= MAX_STEPS) return [];
    const key = `${parent}/${index}`;
    const node: StepNode = {
      key,
      name: textOf(step.name) ?? 'unnamed',
      start: finite(step.started_at),
      duration: Math.max(0, finite(step.duration_ms)),
      outcome: textOf(step.outcome) ?? null,
      error: textOf(step.error),
      input: step.input,
      output: step.output,
      model: textOf(step.model),
      tokens: isObject(step.usage) ? tokensOf(step.usage) : null,
      toolCalls: Array.isArray(step.tool_calls) ? step.tool_calls : [],
      children: [],
    };
    all.push(node);
    node.children = nodesOf(step.steps, key, depth + 1, all);
    return [node];
  });
}

function tokensOf({ prompt_tokens, completion_tokens }: { [key: string]: unknown }): string | null {
  return tokensText(numberOr(prompt_tokens), numberOr(completion_tokens));
}

function numberOr(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function finite(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
