import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { bytes } from '../format/numbers.ts';
import { Markdown } from './markdown.tsx';
import { PlainText } from './plain-text.tsx';

/** Longer texts are shown cut at first, and whole as plain text only. */
const CUT_LENGTH = 20_000;
/** What is laid out as one piece: lines of any length are cheap in pieces that are out of sight. */
const PIECE_LENGTH = 20_000;

export function CutText({
  text,
  markdown = false,
  mono = false,
  cutLength = CUT_LENGTH,
}: {
  text: string;
  markdown?: boolean;
  mono?: boolean;
  /** Less than the standard, where there are many texts on a page. */
  cutLength?: number;
}) {
  const [whole, setWhole] = useState(false);
  const isCut = !whole && text.length > cutLength;
  const start = isCut ? headOf(text, cutLength) : text;
  if (start.length > CUT_LENGTH) return <WholeText text={text} mono={mono} />;
  const shown = markdown ? <Markdown text={start} /> : <PlainText text={start} mono={mono} />;
  if (!isCut) return whole ? <Revealed>{shown}</Revealed> : shown;
  return (
    <div class="cut">
      {shown}
      <button type="button" class="button small" onClick={() => setWhole(true)}>
        Show all ({bytes(new Blob([text]).size)})
      </button>
    </div>
  );
}

function WholeText({ text, mono }: { text: string; mono: boolean }) {
  const pieces = useMemo(() => piecesOf(text), [text]);
  return (
    <Revealed>
      <div class="whole-text">
        {pieces.map((piece, index) => (
          <PlainText text={piece} mono={mono} key={index} />
        ))}
      </div>
    </Revealed>
  );
}

/** The button that was pressed for it is gone, and the reader goes on from here. */
function Revealed({ children }: { children: ComponentChildren }) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => host.current?.focus({ preventScroll: true }), []);
  return (
    <div ref={host} tabIndex={-1}>
      {children}
    </div>
  );
}

/** Cut at a line break where there is one. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    const piece = headOf(text.slice(start, start + PIECE_LENGTH + 1), PIECE_LENGTH);
    const lineEnd = start + piece.length < text.length ? piece.lastIndexOf('\n') : -1;
    const length = lineEnd > 0 ? lineEnd + 1 : piece.length;
    pieces.push(lineEnd > 0 ? piece.slice(0, lineEnd) : piece);
    start += length;
  }
  return pieces;
}

/** Never half of a surrogate pair. */
function headOf(text: string, length: number): string {
  const head = text.slice(0, length);
  return text.length > length ? head.replace(/[\uD800-\uDBFF]$/, '') : head;
}
