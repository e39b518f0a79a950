import { readStored, store } from './stored.ts';

const NAME = 'phospho-shortcuts';
let on = true;

export function startShortcuts(): void {
  apply(readStored(NAME) !== 'off');
}

/** Whoever dictates, or often hits keys by mistake, switches the keys of one character off. */
export function switchShortcuts(value: boolean): void {
  store(NAME, value ? null : 'off');
  apply(value);
}

export function shortcutsAreOn(): boolean {
  return on;
}

function apply(value: boolean): void {
  on = value;
  document.documentElement.toggleAttribute('data-no-shortcuts', !value);
}
