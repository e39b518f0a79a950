import { useEffect, useRef } from 'preact/hooks';
import { shortcutsAreOn } from './shortcuts.ts';
import { isField, isPlain } from './use-shortcut.ts';

const STEPS: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** j, k and the arrows go from row to row; Enter opens the row's link, as links do. */
export function useRowKeys<T extends HTMLElement>() {
  const list = useRef<T>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const step = STEPS[event.key];
      const isCharacter = event.key.length === 1;
      if (isCharacter && !shortcutsAreOn()) return;
      if (step === undefined || !isPlain(event) || isField(event.target)) return;
      const links = [...(list.current?.querySelectorAll<HTMLElement>('.row-link') ?? [])];
      const at = links.findIndex((link) => link.matches(':focus'));
      // Arrows scroll the page until one is in the list.
      if (at < 0 && event.key.startsWith('Arrow')) return;
      const next = links[at < 0 && step < 0 ? links.length - 1 : at + step];
      if (next === undefined) return;
      event.preventDefault();
      next.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return list;
}
