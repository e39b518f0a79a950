import { useEffect, useState } from 'preact/hooks';
import { readStored, store } from './stored.ts';

export type Theme = 'auto' | 'light' | 'dark';

const NAME = 'phospho-theme';
const watchers = new Set<() => void>();
let current: Theme = 'auto';

export function startTheme(): void {
  const stored = readStored(NAME);
  apply(stored === 'light' || stored === 'dark' ? stored : 'auto');
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
}

export function setTheme(theme: Theme): void {
  store(NAME, theme === 'auto' ? null : theme);
  apply(theme);
  tell();
}

/** The chosen theme and a number that changes whenever colours do. */
export function useTheme(): { theme: Theme; revision: number } {
  const [revision, setRevision] = useState(0);
  useEffect(() => {
    const watcher = (): void => setRevision((n) => n + 1);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return { theme: current, revision };
}

function apply(theme: Theme): void {
  current = theme;
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function tell(): void {
  for (const watcher of watchers) watcher();
}
