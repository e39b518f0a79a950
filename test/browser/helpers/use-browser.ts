import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { openBrowser } from './browser.ts';

/** One browser for the tests of a file; each of them is skipped where there is none. */
export function useBrowser(): (skip: (reason: string) => void) => Browser {
  let found: Browser | undefined;
  beforeAll(async () => {
    found = await openBrowser();
  });
  afterAll(() => found?.close());
  return (skip) => {
    if (!found) skip('no browser');
    return found as Browser;
  };
}
