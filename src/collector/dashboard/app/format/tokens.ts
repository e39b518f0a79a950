import { count } from './numbers.ts';

/** `12 in · 3 out`; null where neither is known. */
export function tokensText(prompt: number | null, completion: number | null): string | null {
  if (prompt === null && completion === null) return null;
  const told = (tokens: number | null): string => (tokens === null ? '?' : count(tokens));
  return `${told(prompt)} in · ${told(completion)} out`;
}
