import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

/**
 * A page that fails the test, when it ends, by whatever goes wrong in it: errors that nobody caught, what is
 * logged as one, dialogs, breaches of a content policy, and `pwned()`, which captured scripts call. Opened
 * after what serves it, it is closed before.
 */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions & {
    /** Resources are refused, and the browser says so, because the test wants it. */
    refusals?: boolean;
  } = {},
): Promise<{ page: Page; faults: string[] }> {
  const { refusals = false, ...contextOptions } = options;
  const context = await browser.newContext({ locale: 'en', ...contextOptions });
  const faults: string[] = [];
  await context.exposeFunction('pwned', (what: unknown) => void faults.push(`ran: ${what}`));
  await context.exposeFunction('breached', (what: string) => void faults.push(`policy: ${what}`));
  await context.addInitScript(`addEventListener('securitypolicyviolation', (event) => {
    breached(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample);
  })`);
  context.on('weberror', (error) => faults.push(`error: ${error.error().message}`));
  context.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (refusals && message.text().startsWith('Failed to load resource')) return;
    faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });
  return { page: await context.newPage(), faults };
}
