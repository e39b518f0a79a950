import type { JsonObject, Outcome, Step, ToolCall } from '../types.ts';
import { errorText } from './error-text.ts';
import type { Formats } from './extract/index.ts';
import { type CallResult, type Extracted, extractCall, rawText } from './extracted.ts';
import { round } from './round.ts';
import { shorten, toPlain } from './serialize.ts';
import type { TracedSpan } from './tracing.ts';
import { errorName, NOT_RECORDED, withoutTexts } from './without-texts.ts';

/** Characters of a step's input or output. */
const MAX_STEP_TEXT = 65_536;

/** One open step. It keeps references until the task is serialised. */
export class OpenStep {
  readonly id: string;
  readonly name: string;
  readonly hidesTexts: boolean;
  readonly startedAt: number = Date.now();
  readonly steps: OpenStep[] = [];
  span: TracedSpan | undefined;
  /** What the app adds to it. */
  metadata: JsonObject | undefined;
  readonly #openedAt: number = performance.now();
  readonly #input: unknown;
  readonly #formats: Formats;
  #output: unknown;
  #items: readonly unknown[] | undefined;
  #durationMs: number | undefined;
  #outcome: Outcome = 'aborted';
  #error: unknown;

  constructor(
    id: string,
    name: string,
    input: unknown,
    { formats, hidesTexts }: { formats: Formats; hidesTexts: boolean },
  ) {
    this.#formats = formats;
    this.id = id;
    this.name = name;
    this.hidesTexts = hidesTexts;
    this.#input = input;
  }

  end(outcome: Outcome, result: CallResult & { error?: unknown }): void {
    if (this.#durationMs !== undefined) return;
    this.#durationMs = performance.now() - this.#openedAt;
    this.#outcome = outcome;
    this.#output = result.output;
    this.#items = result.items;
    this.#error = result.error;
  }

  /** The contents as a task of its own would have them. */
  extract(): Extracted {
    const result = { output: this.#output, items: this.#items };
    const contents = extractCall(this.#input, result, this.#formats);
    return this.hidesTexts ? withoutTexts(contents, answerOf(contents) !== undefined) : contents;
  }

  get error(): unknown {
    return this.#error;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** That it happened, and when. */
  bareWire(): Step {
    return {
      step_id: this.id,
      name: this.name,
      started_at: this.startedAt,
      duration_ms: round(this.#durationMs ?? performance.now() - this.#openedAt),
      outcome: this.#outcome,
      ...(this.steps.length === 0 ? {} : { steps: this.steps.map((step) => step.bareWire()) }),
    };
  }

  /** `isTextless`: nothing that anybody said. */
  toWire(isTextless: boolean): Step {
    const contents = this.extract();
    const { input, model, usage, finishReason, toolCalls, rawInput } = contents;
    const answer = answerOf(contents);
    const hides = isTextless || this.hidesTexts;
    const shown = (text: string): string => (hides ? NOT_RECORDED : shorten(text, MAX_STEP_TEXT));
    return {
      step_id: this.id,
      name: this.name,
      input: shown(input ?? rawText(rawInput)),
      ...(answer === undefined ? {} : { output: shown(answer) }),
      started_at: this.startedAt,
      duration_ms: round(this.#durationMs ?? performance.now() - this.#openedAt),
      outcome: this.#outcome,
      ...(this.#error === undefined
        ? {}
        : { error: hides ? errorName(this.#error) : errorText(this.#error) }),
      ...(model === undefined ? {} : { model }),
      ...(usage === undefined ? {} : { usage }),
      ...(finishReason === undefined ? {} : { finish_reason: finishReason }),
      ...(toolCalls === undefined ? {} : { tool_calls: shownCalls(toolCalls, hides) }),
      ...(this.metadata === undefined ? {} : { metadata: plainObject(this.metadata) }),
      ...(this.steps.length === 0 ? {} : { steps: this.steps.map((step) => step.toWire(hides)) }),
    };
  }
}

/** The arguments of a call are a text that somebody said. */
function shownCalls(calls: readonly ToolCall[], hides: boolean): ToolCall[] {
  if (hides) return calls.map(({ name }) => ({ name }));
  return toPlain(calls) as ToolCall[];
}

/** A hook may answer anything. */
function plainObject(value: unknown): JsonObject {
  const plain = toPlain(value);
  const isObject = typeof plain === 'object' && plain !== null && !Array.isArray(plain);
  return isObject ? (plain as JsonObject) : {};
}

function answerOf({ output, rawOutput }: Extracted): string | undefined {
  return output ?? (rawOutput === undefined ? undefined : rawText(rawOutput));
}
