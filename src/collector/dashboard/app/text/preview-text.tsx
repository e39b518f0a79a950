import { useMemo } from 'preact/hooks';
import { InlineText } from './plain-text.tsx';

/** More than a list shows of a text; what is looked at must be short, as the patterns below are not linear. */
const MAX_LENGTH = 400;

/** An answer as one line of a list: of its markdown, the marks that a reader would not miss are left out. */
export function PreviewText({ text }: { text: string }) {
  const preview = useMemo(() => withoutMarks(text.slice(0, MAX_LENGTH)), [text]);
  return <InlineText text={preview} />;
}

/** Links stay whole: an address that is not shown could deceive. */
function withoutMarks(markdown: string): string {
  const text = markdown
    .replace(TABLE, (table) => table.replace(RULE, '').replace(/ *\| */g, '  '))
    .replace(/^ *(?:#{1,6}|>|```\w*)(?: +|$)/gm, '')
    .replace(
      /`([^`\n]+)`|\*\*(?=\S)([^*\n]*[^*\s])\*\*|(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/g,
      (_marked, code, strong, emphasis) => code ?? strong ?? emphasis,
    );
  return text.trim() === '' ? markdown : text;
}

const RULE = /^ *\|[ |:-]*-[ |:-]*$/m;
/** A row, the rule below it, and more rows. */
const TABLE = /^ *\|.*\n *\|[ |:-]*-[ |:-]*$(?:\n *\|.*)*/gm;
