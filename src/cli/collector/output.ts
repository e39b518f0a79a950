/** One line a row, in columns. Other people's words may not steer the terminal. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows].map((cells) => cells.map(onTerminal));
  const widths = heads.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  return lines
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

function onTerminal(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** UNIX milliseconds to the second; `none` for null. */
export function timeOf(ms: number | null, none = ''): string {
  return ms === null ? none : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function secondsOf(seconds: number | null, none = ''): string {
  return timeOf(seconds === null ? null : seconds * 1000, none);
}

/**
 * A new key, on the standard output alone, so that `KEY=$(…)` holds it and nothing else. What there is to say of
 * it is for the person.
 */
export function printKey(
  plain: string,
  said: string,
  { json, quiet }: { json?: boolean | undefined; quiet?: boolean | undefined },
  shown: object,
): void {
  if (json) {
    printJson({ ...shown, api_key: plain });
    return;
  }
  if (!quiet) console.error(`${said} It is stored as a hash only, and not shown again:`);
  console.log(plain);
}
