/** Cells of a table: short rows are filled up to the width of the widest. */
const MAX_CELLS = 3000;
/** Of `*` and of `_`: where both may open and close, the parser tries each with each. */
const MAX_MIXED_MARKS = 200;

/** Whether the parser would make far more of a text than the text is, in elements or in time. */
export function isTooCostly(text: string): boolean {
  return text.split(/\n[\t >]*\n/).some((block) => {
    const lines = block.split('\n');
    const widest = lines.reduce((most, line) => Math.max(most, count(line, '|')), 0);
    if (widest * lines.length > MAX_CELLS) return true;
    return Math.min(count(block, '*'), count(block, '_')) > MAX_MIXED_MARKS;
  });
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
