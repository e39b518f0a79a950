import { useEffect, useRef } from 'preact/hooks';
import { shortcutsAreOn } from './shortcuts.ts';

/** A key that does something wherever one is, except in fields. */
export function useShortcut(key: string, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== key || !shortcutsAreOn() || !isPlain(event) || isField(event.target))
        return;
      event.preventDefault();
      latest.current();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [key]);
}

export function isPlain(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !event.defaultPrevented;
}

export function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, select, textarea') !== null;
}
