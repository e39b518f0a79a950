import { useEffect, useRef } from 'preact/hooks';
import { focusHeading } from './page.tsx';

/** Another page of a list is read from its top; the link that was followed for it may be gone. */
export function usePageTurn(cursor: string): void {
  const shown = useRef(cursor);
  useEffect(() => {
    if (shown.current === cursor) return;
    shown.current = cursor;
    scrollTo(0, 0);
    focusHeading();
  }, [cursor]);
}
