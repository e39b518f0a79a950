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
  return markdown
    .replace(/^[ |:-]*-[ |:-]*$/gm, '')
    .replace(/^ *\|.*$/gm, (row) => row.replace(/ *\| */g, '  '))
    .replace(/^ *(?:#{1,6}|>|```\w*)(?: +|$)/gm, '')
    .replace(
      /`([^`\n]+)`|(?:\*\*|__)(?=\S)([^*_\n]+)(?:\*\*|__)|(?<![\w*])\*(?=\S)([^*\n]+)\*(?![\w*])/g,
      (_marked, code, strong, emphasis) => code ?? strong ?? emphasis,
    );
}
