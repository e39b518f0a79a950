import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSqlite } from '../../src/collector/store/sqlite/open-sqlite.ts';
import { startDashboard, TOKEN, task } from '../helpers/dashboard.ts';
import { openDashboard, rows } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

function databaseFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-browser-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'phospho.db');
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the login', () => {
  it('by the printed link leads to where one wanted to go, and the token leaves the address', async ({
    skip,
  }) => {
    const opened = browser(skip);
    const { collector, log } = await startDashboard();
    await log(task('t'));
    const { page } = await openPage(opened, { refusals: true });
    await page.goto(`${collector.url}/dashboard/p/demo/tasks/t`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.getByLabel('Link or token').fill(collector.dashboardUrl);
    await page.keyboard.press('Enter');
    await page.getByText('answer t').waitFor();
    expect(page.url()).toBe(`${collector.url}/dashboard/p/demo/tasks/t`);

    await page.goto(`${collector.url}/dashboard/p/demo/tasks#token=${TOKEN}`);
    await page.locator('.row-link').waitFor();
    expect(page.url()).toBe(`${collector.url}/dashboard/p/demo/tasks`);
    await page.goBack();
    expect(page.url()).not.toContain(TOKEN);
  });

  it.for([
    ['a wrong token', 'wrong', 'This token is not valid.'],
    ['a token much too long', 'x'.repeat(5_000), 'token'],
  ] as const)('%s is refused in words', async ([, token, words], { skip }) => {
    const opened = browser(skip);
    const { collector } = await startDashboard();
    const { page } = await openPage(opened, { refusals: true });
    await page.goto(`${collector.url}/dashboard#token=${token}`);
    await page.getByRole('alert').filter({ hasText: words }).waitFor();
    await page.getByLabel('Link or token').fill(TOKEN);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('that has expired is said to have, and a new one goes on from there', async ({ skip }) => {
    const site = await openDashboard(browser(skip), { events: [task('t')], refusals: true });
    await site.visit('tasks');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 86_400_000 });
    await site.page.getByRole('link', { name: 'Sessions' }).click();
    await site.page.getByText('Your session has ended. Please log in again.').waitFor();
    await site.page.getByLabel('Link or token').fill(TOKEN);
    await site.page.keyboard.press('Enter');
    await site.page.getByRole('heading', { name: 'Sessions' }).waitFor();
  });

  it('is not offered under a foreign host name', async ({ skip }) => {
    const opened = browser(skip);
    const { collector } = await startDashboard();
    const { page } = await openPage(opened, { refusals: true });
    const { port } = new URL(collector.url);
    // Every name below localhost is this machine, as with DNS rebinding.
    const answer = await page.goto(`http://rebound.localhost:${port}/dashboard`);
    expect(answer?.status()).toBe(403);
    expect(await page.getByLabel('Link or token').count()).toBe(0);
  });
});

describe('an open page', () => {
  it('says that the collector is gone, comes back with it, and shows what came meanwhile', {
    timeout: 60_000,
  }, async ({ skip }) => {
    const database = `sqlite:${databaseFile()}`;
    const first = await openDashboard(browser(skip), {
      events: [task('before')],
      collector: { database },
      refusals: true,
    });
    const { page } = first;
    await first.visit('tasks');
    await first.collector.close();
    await page.getByText('Connection to the collector lost. Trying again…').waitFor();
    expect(await rows(page)).toEqual(['question before']);
    const port = Number(new URL(first.collector.url).port);
    const second = await startDashboard({
      database,
      port,
      apiKey: first.collector.apiKey as never,
    });
    onTestFinished(() => page.context().close());
    await second.log(task('after'));
    await page.getByText('Connected again').waitFor();
    await page.getByText('question after').waitFor();
    expect(await rows(page)).toEqual(['question after', 'question before']);
    await page.getByText('Connected again').waitFor({ state: 'detached' });
  });

  it('of a task that was deleted says so, and what was there is shown no longer', async ({
    skip,
  }) => {
    const file = databaseFile();
    const site = await openDashboard(browser(skip), {
      events: [task('t'), task('u')],
      collector: { database: `sqlite:${file}` },
      refusals: true,
    });
    await site.visit('tasks/t');
    await site.page.getByText('answer t').waitFor();
    const db = await openSqlite(file);
    await db.deleteFrom('tasks').where('id', '=', 't').execute();
    await db.destroy();
    await site.log(task('v'));
    await site.page.getByText('This task is not here (any more)').waitFor();
    expect(await site.page.getByText('answer t').count()).toBe(0);
    await site.page.getByRole('link', { name: 'All tasks' }).click();
    await site.page.getByText('question u').waitFor();
  });

  it('of a project that is not there says so', async ({ skip }) => {
    const site = await openDashboard(browser(skip), { events: [task('t')], refusals: true });
    await site.page.goto(`${site.collector.url}/dashboard/p/other/tasks`);
    await site.page.getByRole('heading', { name: 'This page does not exist' }).waitFor();
  });
});

describe('the list of tasks', () => {
  const events = [
    task('one', { flag: 'success', user_id: 'ada', model: 'gpt-4o', input: 'copper kettles' }),
    task('two', { flag: 'failure', user_id: 'bea', model: 'gpt-4o', input: 'kettles of tin' }),
    task('three', {
      user_id: 'ada',
      model: 'claude',
      metadata: { route: '/ask' },
      version_id: '2',
    }),
  ];

  it('keeps its filters in the address: a reload, a link and the back button find them', async ({
    skip,
  }) => {
    const site = await openDashboard(browser(skip), { events });
    const { page } = site;
    await site.visit('tasks');
    expect(await rows(page)).toEqual(['question three', 'kettles of tin', 'copper kettles']);
    await page.keyboard.press('/');
    await page.keyboard.type('kettl');
    await expect.poll(() => rows(page)).toEqual(['kettles of tin', 'copper kettles']);
    await page.getByLabel('Verdict').selectOption('Thumb down');
    await expect.poll(() => rows(page)).toEqual(['kettles of tin']);
    const address = page.url();
    expect(new URL(address).search).toBe('?q=kettl&flag=failure');
    await page.reload();
    await expect.poll(() => rows(page)).toEqual(['kettles of tin']);
    expect(await page.getByLabel('Verdict').inputValue()).toBe('failure');
    await page.getByRole('button', { name: 'Remove the filter Verdict' }).click();
    await expect.poll(() => rows(page)).toEqual(['kettles of tin', 'copper kettles']);
    await page.goBack();
    await expect.poll(() => rows(page)).toEqual(['kettles of tin']);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await expect.poll(() => rows(page)).toHaveLength(3);
  });

  it.for([
    ['User', 'ada', ['question three', 'copper kettles']],
    ['Session', 'session-two', ['kettles of tin']],
    ['Route', '/ask', ['question three']],
    ['Model', 'gpt-4o', ['kettles of tin', 'copper kettles']],
    ['Version', '2', ['question three']],
  ] as const)('is filtered by %s', async ([label, value, expected], { skip }) => {
    const site = await openDashboard(browser(skip), { events });
    await site.visit('tasks');
    const field = site.page.getByLabel(label, { exact: true });
    if ((await field.evaluate(({ tagName }) => tagName)) === 'SELECT') {
      await field.selectOption(value);
    } else {
      await field.fill(value);
    }
    await expect.poll(() => rows(site.page)).toEqual(expected);
  });

  it('shows of an answer what it says, without the marks of its markdown', async ({ skip }) => {
    const output =
      '**Sizes**\n\n## Frames\n\n| Frame | Height |\n| ----- | -----: |\n| **54** | 1.70 m |\n\nRun `npm *i*`, see [docs](https://a.example).';
    const site = await openDashboard(browser(skip), { events: [task('t', { output })] });
    const shown = 'Sizes Frames Frame Height 54 1.70 m Run npm *i*, see [docs](https://a.example).';
    await site.visit('tasks');
    expect((await site.page.locator('.c-output').textContent())?.trim()).toBe(shown);
    await site.visit('sessions');
    expect((await rows(site.page))[0]).toContain(shown.slice(0, 40));
  });

  it('has pages, and the newest one is live', async ({ skip }) => {
    const many = Array.from({ length: 120 }, (_, index) => task(`n${index}`));
    const site = await openDashboard(browser(skip), { events: many });
    const { page } = site;
    await site.visit('tasks');
    const seen = [...(await rows(page))];
    await page.getByRole('link', { name: 'Older' }).click();
    await expect.poll(async () => (await rows(page))[0]).not.toBe(seen[0]);
    const second = await rows(page);
    await page.getByRole('link', { name: 'Older' }).click();
    await expect.poll(async () => (await rows(page))[0]).not.toBe(second[0]);
    expect([...seen, ...second, ...(await rows(page))]).toEqual(
      many.map(({ input }) => input).reverse(),
    );
    await site.log(task('new'));
    await page.getByRole('link', { name: 'New tasks have arrived' }).click();
    await page.getByText('question new').waitFor();
    await site.log(task('newer'));
    await page.getByText('question newer').waitFor();
    expect((await rows(page))[0]).toBe('question newer');
  });
});

it('keys of one character are told by ?, and can be switched off', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { events: [task('t')] });
  const { page } = site;
  await site.visit('tasks');
  const search = page.getByRole('searchbox');
  const hasFocus = () => search.evaluate((field) => field === document.activeElement);
  await page.keyboard.press('/');
  expect(await hasFocus()).toBe(true);
  await page.keyboard.type('?/jk');
  expect(await search.inputValue()).toBe('?/jk');
  await search.fill('');
  await search.blur();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByLabel('Use these keys').uncheck();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.reload();
  await page.locator('.row-link').waitFor();
  for (const key of ['/', '?', 'j', 'k']) await page.keyboard.press(key);
  expect(await hasFocus()).toBe(false);
  expect(await page.getByRole('dialog').isVisible()).toBe(false);
  expect(await page.locator('.row-link:focus').count()).toBe(0);
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await page.getByLabel('Use these keys').check();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('j');
  expect(await page.locator('.row-link:focus').count()).toBe(1);
});

it('colours can be chosen, and stay chosen', async ({ skip }) => {
  const site = await openDashboard(browser(skip), { colorScheme: 'light' });
  await site.visit('overview');
  const background = () =>
    site.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  const toggle = site.page.getByRole('button', { name: /^Colours/ });
  await toggle.click();
  await toggle.click();
  const dark = await background();
  expect(dark).not.toBe(light);
  await site.page.reload();
  await site.page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(await background()).toBe(dark);
});
