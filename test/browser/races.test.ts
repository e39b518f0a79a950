import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { task } from '../helpers/dashboard.ts';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

/** Holds requests until they are let go. */
async function hold(page: Page, url: RegExp, method = 'GET') {
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  await page.route(url, async (route) => {
    if (route.request().method() !== method) return await route.fallback();
    arrive();
    await released;
    await route.fallback().catch(() => {});
  });
  return { arrived, letGo };
}

it('what is stored before the live stream opens is shown too', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('a')] });
  const stream = await hold(site.page, /\/live$/);
  await site.page.goto(`${site.collector.url}/dashboard/p/demo/tasks`);
  await site.page.getByText('question a').waitFor();
  await stream.arrived;
  await site.log(task('b'));
  stream.letGo();
  await site.page.getByText('question b').waitFor();
});

it('a thumb is not undone by an answer from before it', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('a')] });
  const { page } = site;
  await site.visit('tasks/a');
  await site.login();
  const before = JSON.stringify((await site.get('/projects/demo/tasks/a').expect(200)).body);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = 0;
  await page.route(/\/tasks\/a$/, async (route) => {
    asked += 1;
    if (asked > 1) return await route.continue();
    await released;
    await route.fulfill({ contentType: 'application/json', body: before });
  });
  await site.log(task('b'));
  await expect.poll(() => asked, { timeout: 10_000 }).toBe(1);
  const up = page.getByRole('button', { name: 'Thumb up' });
  await up.click();
  await page.getByText('Saved', { exact: true }).waitFor();
  release();
  await expect.poll(() => asked).toBe(2);
  expect(await up.getAttribute('aria-pressed')).toBe('true');
  expect(await page.getByText('Nobody has given a verdict yet.').count()).toBe(0);
});

it('a verdict that is answered late leaves the page alone that one has gone to', async ({
  skip,
}) => {
  const site = await openDashboard(browser(skip), { events: [task('a'), task('b')] });
  const { page } = site;
  await site.visit('tasks');
  await page.getByRole('link', { name: 'question a' }).click();
  const flag = await hold(page, /\/flag$/, 'POST');
  await page.getByRole('button', { name: 'Thumb up' }).click();
  await flag.arrived;
  await page.goBack();
  await page.getByRole('link', { name: 'question b' }).click();
  await page.getByRole('article').getByText('question b').waitFor();
  const answered = page.waitForResponse(/\/flag$/);
  flag.letGo();
  await answered;
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  expect(await page.getByRole('article').getByText('question b').isVisible()).toBe(true);
  expect(await page.getByRole('button', { name: 'Thumb up' }).getAttribute('aria-pressed')).toBe(
    'false',
  );
});

it('what is typed and cleared at once is not searched for', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('a')] });
  const { page } = site;
  await site.visit('tasks?user=nobody');
  const clear = page.getByRole('button', { name: 'Clear all', exact: true });
  await clear.waitFor();
  await page.clock.install();
  await page.getByRole('searchbox').fill('zzz');
  await clear.click();
  await page.clock.runFor(1_000);
  await page.getByText('question a').waitFor();
  expect(new URL(page.url()).search).toBe('');
  expect(await page.getByRole('searchbox').inputValue()).toBe('');
});

it('a time can be typed digit by digit', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('a')], timezoneId: 'UTC' });
  const { page } = site;
  await site.visit('tasks?from=1736937000');
  const from = page.getByLabel('From');
  expect(await from.inputValue()).toBe('2025-01-15T10:30');
  await from.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.type('2024');
  await expect.poll(() => new URL(page.url()).searchParams.get('from')).toBe('1705314600');
  expect(await from.inputValue()).toBe('2024-01-15T10:30');
  expect(await from.evaluate((field) => field === document.activeElement)).toBe(true);
});

it('logging out logs all windows out', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('a')], refusals: true });
  await site.visit('overview');
  const other = await site.page.context().newPage();
  await other.goto(`${site.collector.url}/dashboard/p/demo/tasks`);
  await other.getByText('question a').waitFor();
  await other.getByText('Live: new tasks appear by themselves').waitFor({ state: 'attached' });
  await site.page.getByRole('button', { name: 'Log out' }).click();
  await other.getByRole('heading', { name: 'Log in' }).waitFor({ timeout: 5_000 });
  expect(await other.getByText('question a').count()).toBe(0);
});
