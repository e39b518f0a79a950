/**
 * What no database of ours can hold is replaced by U+FFFD: NUL, and halves of surrogate pairs. So both stores
 * answer the same, and what is counted or compared by a text is what is stored.
 */

const NUL = '\u0000';
const REPLACEMENT = '\uFFFD';

/** ES2024, and in Node 20; TypeScript's ES2023 library does not know it. */
interface WellFormed {
  toWellFormed(): string;
}

export function storableText(text: string): string {
  const whole = (text as unknown as WellFormed).toWellFormed();
  return whole.includes(NUL) ? whole.replaceAll(NUL, REPLACEMENT) : whole;
}

/** An escape in JSON text. JSON.stringify escapes of the surrogates only those that are alone. */
const ESCAPE = /\\(?:(u0000|ud[89a-f][0-9a-f]{2})|u[0-9a-f]{4}|.)/g;

/** JSON as the text of a column. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\u0000') && !text.includes('\\ud')) return text;
  return text.replace(ESCAPE, (escaped, unstorable) =>
    unstorable === undefined ? escaped : REPLACEMENT,
  );
}
