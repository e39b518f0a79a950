/** What a key may do. `admin` is for keys, settings and deletion; it does not hold the others. */
export const SCOPES = ['read', 'write', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** Of a key for which nothing else was asked: what an app needs, and no more. */
export const DEFAULT_SCOPES: readonly Scope[] = ['read', 'write'];

/** As one text, in the order of SCOPES. */
export function textOfScopes(scopes: readonly Scope[]): string {
  return SCOPES.filter((scope) => scopes.includes(scope)).join(' ');
}

export function scopesIn(text: string): Scope[] {
  return SCOPES.filter((scope) => text.split(' ').includes(scope));
}
