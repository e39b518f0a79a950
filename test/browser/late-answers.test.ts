import type { Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { TOKEN, task } from '../helpers/dashboard.ts';
import { openDashboard, rows } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

/** Keeps answers back until they are let go; the request has reached the network by then. */
async function holdBack(page: Page, url: RegExp) {
  const held: Route[] = [];
  let tell: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  await page.route(url, (route) => {
    held.push(route);
    tell?.();
  });
  return {
    asked,
    release: async () => {
      await page.unroute(url);
      for (const route of held.splice(0)) {
        await route.fulfill({ response: await route.fetch() }).catch(() => undefined);
      }
    },
  };
}

/** All that the page has shown from now on. */
async function watch(page: Page): Promise<() => Promise<string>> {
  await page.evaluate(() => {
    const shown = [''];
    const note = () => shown.push(document.querySelector('main')?.textContent ?? '');
    new MutationObserver(note).observe(document.body, {
      ...{ subtree: true, childList: true, characterData: true },
    });
    Object.assign(globalThis, { shown });
  });
  return () =>
    page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return (globalThis as never as { shown: string[] }).shown.join('\n');
    });
}

describe('an answer that comes late', () => {
  it('for a task is not shown on the page of another', async ({ skip }) => {
    const { page, visit } = await openDashboard(browser(skip), {
      events: [task('one'), task('two')],
    });
    await visit('tasks');
    for (const id of ['one', 'two']) {
      await page.getByRole('link', { name: 'Tasks', exact: true }).first().click();
      await page.getByText(`question ${id}`).click();
      await page.getByText(`answer ${id}`).waitFor();
    }
    // Nothing is remembered, but the way back is.
    await page.reload();
    await page.getByText('answer two').waitFor();
    const one = await holdBack(page, /\/tasks\/one$/);
    await page.evaluate(() => history.go(-2));
    await one.asked;
    await page.getByText('Loading…').waitFor({ state: 'attached' });
    expect(await page.getByText('answer two').count()).toBe(0);
    const shown = await watch(page);
    const givenUp = page.waitForEvent('requestfailed', (request) => /one$/.test(request.url()));
    await page.evaluate(() => history.go(2));
    await page.getByText('answer two').waitFor();
    await givenUp;
    await one.release();
    expect(await shown()).not.toMatch(/answer one|out of date/);
    expect(await page.getByText('answer two').count()).toBe(1);
  });

  it('for an earlier filter does not replace the list of the last', async ({ skip }) => {
    const { page, visit } = await openDashboard(browser(skip), {
      events: [task('one'), task('two'), task('three')],
    });
    await visit('tasks');
    const first = await holdBack(page, /\/tasks\?q=one/);
    const search = page.getByRole('searchbox');
    await search.fill('one');
    await first.asked;
    const givenUp = page.waitForEvent('requestfailed', (request) => /one$/.test(request.url()));
    await search.fill('two');
    await givenUp;
    await expect.poll(() => rows(page)).toEqual(['question two']);
    const shown = await watch(page);
    await first.release();
    expect(await shown()).not.toContain('question one');
    expect(await rows(page)).toEqual(['question two']);
    expect(await page.getByText('This may be out of date').count()).toBe(0);
  });

  it('leaves the list of before on the screen, marked as busy', async ({ skip }) => {
    const { page, visit } = await openDashboard(browser(skip), {
      events: [task('one'), task('two')],
    });
    await visit('tasks');
    const first = await holdBack(page, /\/tasks\?q=one/);
    await page.getByRole('searchbox').fill('one');
    await first.asked;
    await page.locator('[aria-busy=true] .row-link').first().waitFor();
    expect(await rows(page)).toHaveLength(2);
    await first.release();
    await expect.poll(() => rows(page)).toEqual(['question one']);
    expect(await page.locator('[aria-busy=true]').count()).toBe(0);
  });
});

describe('what was on the screen is forgotten', () => {
  it.for([
    ['by logging out', (page: Page) => page.getByRole('button', { name: 'Log out' }).click()],
    [
      'when the login ends by itself',
      async (page: Page) => {
        await page.context().clearCookies();
        await page.getByRole('link', { name: 'Sessions' }).click();
      },
    ],
  ] as const)('%s', async ([, leave], { skip }) => {
    const { page, visit, log } = await openDashboard(browser(skip), {
      events: [task('one')],
      refusals: true,
    });
    await visit('tasks');
    expect(await rows(page)).toEqual(['question one']);
    await leave(page);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await log(task('two'));
    const list = await holdBack(page, /\/api\/projects\/demo\/tasks$/);
    await page.getByLabel('Link or token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await list.asked;
    await page.getByText('Loading…').first().waitFor({ state: 'attached' });
    expect(await rows(page)).toEqual([]);
    await list.release();
    await expect.poll(() => rows(page)).toEqual(['question two', 'question one']);
  });
});
