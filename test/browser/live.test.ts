import type { Page, Request } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { task } from '../helpers/dashboard.ts';
import { openDashboard, rows } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const isStream = (request: Request) => request.url().endsWith('/live');

/** As a tab is that one looks at another in front of. */
function setHidden(page: Page, hidden: boolean): Promise<void> {
  return page.evaluate((hidden) => {
    const state = hidden ? 'hidden' : 'visible';
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: state });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

describe('a tab that is not seen', () => {
  it('gives its connection back, and catches up when it is seen again', async ({ skip }) => {
    const { page, visit, log } = await openDashboard(browser(skip), { events: [task('one')] });
    await visit('tasks');
    await page.getByText('Live: new tasks').waitFor({ state: 'attached' });
    const ended = page.waitForEvent('requestfailed', isStream);
    await setHidden(page, true);
    await ended;
    await log(task('two'));
    const begun = page.waitForEvent('request', isStream);
    await setHidden(page, false);
    await begun;
    await page.getByText('question two').waitFor();
    await log(task('three'));
    await page.getByText('question three').waitFor();
    expect(await rows(page)).toEqual(['question three', 'question two', 'question one']);
  });

  it('takes no connection if it was opened so, until it is seen', async ({ skip }) => {
    const { page, visit, log } = await openDashboard(browser(skip), { events: [task('one')] });
    const streams: string[] = [];
    await page.addInitScript(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: true });
    });
    page.on('request', (request) => isStream(request) && streams.push(request.url()));
    await visit('tasks');
    await page.getByText('question one').waitFor();
    expect(streams).toEqual([]);
    await log(task('two'));
    await setHidden(page, false);
    await page.getByText('question two').waitFor();
    expect(streams).toHaveLength(1);
  });
});

it('the status of the connection is there before it has anything to say', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('one')], refusals: true });
  const { page } = site;
  onTestFinished(() => page.context().close());
  await site.visit('overview');
  await page.getByText('Live: new tasks').waitFor({ state: 'attached' });
  const silent = await page.getByRole('status').evaluateAll((all) => {
    Object.assign(globalThis, { before: all });
    return all.map(({ textContent }) => textContent);
  });
  expect(silent).toEqual(['']);
  await site.collector.close();
  await page.getByText('Connection to the collector lost. Trying again…').waitFor();
  const isTheSame = await page
    .getByRole('status')
    .filter({ hasText: 'lost' })
    .evaluate((status) => (globalThis as never as { before: Element[] }).before.includes(status));
  expect(isTheSame).toBe(true);
  await page.getByText('Not connected').waitFor({ state: 'attached' });
});

it.for([
  ['tasks', 'question one'],
  ['tasks/one', 'answer one'],
  ['sessions', 'session-one'],
  ['sessions/session-one', 'answer one'],
  ['overview', 'Success rate'],
] as const)(
  'what could not be refreshed on %s stays, is said to be old, and can be tried again',
  async ([path, shown], { skip }) => {
    const { page, visit, log } = await openDashboard(browser(skip), {
      events: [task('one')],
      refusals: true,
    });
    const notice = page.getByRole('status').filter({ hasText: 'This may be out of date.' });
    await visit(path);
    const isShown = () => page.getByText(shown).first().isVisible();
    await page.getByText('Live: new tasks').waitFor({ state: 'attached' });
    expect(await notice.count()).toBe(0);
    await page.route(/\/api\/projects\/demo\/(?!live)/, (route) =>
      route.fulfill({ status: 500, json: { detail: 'broken' } }),
    );
    await log(task('two'));
    await notice.getByText('The collector failed to answer.').waitFor();
    expect(await isShown()).toBe(true);
    await page.unrouteAll();
    await notice.getByRole('button', { name: 'Try again' }).click();
    await notice.waitFor({ state: 'detached' });
    expect(await isShown()).toBe(true);
  },
);
