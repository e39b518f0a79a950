const MAX_ENTRIES = 40;
const entries = new Map<string, unknown>();

/** What was last shown for a key, so that going back shows it at once while it is asked for again. */
export function remembered<T>(key: string): T | undefined {
  return entries.get(key) as T | undefined;
}

export function remember(key: string, data: unknown): void {
  entries.delete(key);
  entries.set(key, data);
  for (const oldest of entries.keys()) {
    if (entries.size <= MAX_ENTRIES) break;
    entries.delete(oldest);
  }
}

export function forgetAll(): void {
  entries.clear();
}
