import * as z from 'zod';
import type { ComparisonResult } from '../../types.ts';

/** What one asking has brought: which answer was found better, or why nobody knows. */
export type Verdict =
  | { kind: 'old' | 'new' | 'same' | 'both_bad'; reason: string }
  | { kind: 'error'; reason: string };

/** Where the comparison stands in the end, and why. */
export interface Judgement {
  result: ComparisonResult;
  reason: string;
}

const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

const written = z.object({
  verdict: z.enum(['first', 'second', 'same', 'both_bad']),
  reason: z.string().nullish(),
});

/** Reads a chat completion. */
export function verdictIn(answer: unknown, isSwapped: boolean): Verdict {
  const choice = completion.safeParse(answer).data?.choices[0];
  if (choice === undefined) return failed('the judge’s answer is no chat completion');
  const { content, refusal } = choice.message;
  if (refusal) return failed(`the judge refused: ${short(refusal)}`);
  const found = written.safeParse(jsonIn(content ?? ''));
  if (found.success) {
    const { verdict, reason } = found.data;
    const newOne = isSwapped ? 'first' : 'second';
    const kind =
      verdict === 'same' || verdict === 'both_bad' ? verdict : verdict === newOne ? 'new' : 'old';
    return { kind, reason: short(reason ?? '') };
  }
  if (choice.finish_reason === 'length') return failed('the judge’s answer was cut at its length');
  if (choice.finish_reason === 'content_filter')
    return failed('the judge’s answer was held back by a content filter');
  return failed(`the judge gave no verdict: ${JSON.stringify(short(content ?? ''))}`);
}

/** Puts both askings together. A verdict that changes with the order is none. */
export function judgementOf(asIs: Verdict, swapped: Verdict): Judgement {
  for (const verdict of [asIs, swapped])
    if (verdict.kind === 'error') return { result: 'Error', reason: verdict.reason };
  if (asIs.kind === swapped.kind) return { result: RESULTS[asIs.kind], reason: asIs.reason };
  return {
    result: 'Same quality',
    reason:
      'The verdict changed with the order of the answers. ' +
      `Old one first, ${WORDS[asIs.kind]}: ${asIs.reason} New one first, ${WORDS[swapped.kind]}: ${swapped.reason}`,
  };
}

export function failed(reason: string): Verdict {
  return { kind: 'error', reason };
}

const RESULTS: Record<Verdict['kind'], ComparisonResult> = {
  old: 'Old output is better',
  new: 'New output is better',
  same: 'Same quality',
  both_bad: 'Both are bad',
  error: 'Error',
};

const WORDS: Record<Verdict['kind'], string> = {
  old: 'the old one was better',
  new: 'the new one was better',
  same: 'both were the same',
  both_bad: 'both were bad',
  error: 'none',
};

/**
 * The JSON object of a text. Models that know no structured output put it into a code block, say something
 * around it, or think aloud before.
 */
function jsonIn(text: string): unknown {
  const said = text.replace(/^\s*<think>.*?<\/think>/s, '');
  for (const part of [said, said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)]) {
    try {
      return JSON.parse(part);
    } catch {
      // The next reading.
    }
  }
  return undefined;
}

const MAX_REASON = 1000;

export function short(text: string): string {
  const line = text.trim();
  return line.length <= MAX_REASON
    ? line
    : `${line.slice(0, MAX_REASON).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
