/**
 * Characters that are not seen, or that turn the text around them: controls other than tab and line breaks,
 * and the bidirectional overrides, embeddings and isolates.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/** Each chip is an element: a text that is all of them is not shown as a million. */
const MAX_CHIPS = 500;

export type Run = string | { code: string };

/** The text in pieces, hidden characters by name. Behind the 500th they are replacement characters. */
export function runsOf(text: string): Run[] {
  const lines = normalized(text);
  const runs: Run[] = [];
  let end = 0;
  for (const match of lines.matchAll(HIDDEN)) {
    if (runs.length >= MAX_CHIPS * 2) break;
    if (match.index > end) runs.push(lines.slice(end, match.index));
    runs.push({ code: nameOf(match[0]) });
    end = match.index + 1;
  }
  if (end < lines.length) runs.push(withoutHidden(lines.slice(end)));
  return runs;
}

export function withoutHidden(text: string): string {
  return normalized(text).replace(HIDDEN, '\uFFFD');
}

function normalized(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
