import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { PlainText } from './plain-text.tsx';
import { renderMarkdown } from './render-markdown.ts';

export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => renderMarkdown(text), [text]);
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // The lib's innerHTML knows only strings, where browsers that enforce Trusted Types want this object.
    if (host.current !== null && html !== undefined)
      host.current.innerHTML = html as unknown as string;
  }, [html]);
  if (html === undefined) return <PlainText text={text} />;
  return <div class="captured markdown" dir="auto" ref={host} />;
}
