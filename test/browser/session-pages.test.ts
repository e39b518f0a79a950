import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openDashboard, rows } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const T0 = 1_790_000_000;

const exchange = (index: number, more: object = {}) => ({
  task_id: `t${index}`,
  session_id: 's',
  created_at: T0 + index,
  input: `question ${index}`,
  output: `answer ${index}`,
  ...more,
});

const range = (length: number) => Array.from({ length }, (_, index) => index);

const questions = (page: Page) => page.locator('.bubble.user .captured').allTextContents();

describe('a session', () => {
  it('is shown in the order of its exchanges, each with its verdict and note', async ({ skip }) => {
    const { visit, page, post, login } = await openDashboard(browser(skip), {
      events: [
        exchange(2, { output: null }),
        exchange(0),
        exchange(1, { flag: 'failure', metadata: { outcome: 'error' }, model: 'gpt-4o' }),
        exchange(7, { session_id: 'another' }),
      ],
    });
    await login().expect(204);
    await post('/projects/demo/tasks/t0/flag', { flag: 'success', notes: 'thanks' }).expect(200);
    await visit('sessions/s');
    const exchanges = await page.locator('.exchange').allInnerTexts();
    expect(exchanges.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      expect.stringMatching(/^User question 0 Assistant answer 0 Note: thanks Thumb up Task of/),
      expect.stringMatching(
        /^User question 1 Assistant answer 1 Thumb down Error Task of .* gpt-4o$/,
      ),
      expect.stringMatching(/^User question 2 Assistant No output was recorded. Task of/),
    ]);
    await page
      .getByRole('link', { name: /^Task of/ })
      .nth(1)
      .click();
    await page.getByRole('heading', { name: 'Task', exact: true }).waitFor();
    expect(page.url()).toMatch(/\/tasks\/t1$/);
  });

  it('goes on past its first fifty exchanges, to the last, and stays live there', async ({
    skip,
  }) => {
    const { visit, page, log } = await openDashboard(browser(skip), {
      events: range(120).map((index) => exchange(index)),
    });
    const all = range(120).map((index) => `question ${index}`);
    await visit('sessions/s');
    expect(await questions(page)).toEqual(all.slice(0, 50));
    const more = page.getByRole('button', { name: 'Load more' });
    await more.click();
    await expect.poll(() => questions(page)).toEqual(all.slice(0, 100));
    await more.click();
    await expect.poll(() => questions(page)).toEqual(all);
    expect(await more.count()).toBe(0);
    await log(exchange(120));
    await page.getByText('question 120', { exact: true }).waitFor();
    expect(await questions(page)).toEqual([...all, 'question 120']);
  });

  it('that is open shows a new exchange and a new verdict by itself', async ({ skip }) => {
    const { visit, page, log, post, login } = await openDashboard(browser(skip), {
      events: [exchange(0)],
    });
    await login().expect(204);
    await visit('sessions/s');
    await log(exchange(1));
    await page.getByText('answer 1').waitFor();
    expect(await questions(page)).toEqual(['question 0', 'question 1']);
    const facts = page.getByRole('region', { name: 'Facts' });
    expect(await facts.locator('dd').first().textContent()).toBe('2');
    await visit('sessions/s');
    await post('/projects/demo/tasks/t0/flag', { flag: 'failure', notes: 'too long' }).expect(200);
    await page.locator('.exchange').first().getByText('too long').waitFor();
    await page.locator('.exchange').first().getByText('Thumb down').waitFor();
  });
});

describe('what comes while one looks at it', () => {
  it('is in the list of sessions at once', async ({ skip }) => {
    const { visit, page, log } = await openDashboard(browser(skip), {
      events: [exchange(0, { flag: 'success' })],
    });
    await visit('sessions');
    const first = page.getByRole('row').filter({ hasText: 'question 0' });
    expect((await first.locator('.c-number').textContent())?.trim()).toBe('1');
    await log(
      exchange(1, { flag: 'failure' }),
      exchange(2, { session_id: 'new', input: 'good morning' }),
    );
    await page.getByText('good morning').waitFor();
    expect(await rows(page)).toEqual(['good morning -> answer 2', 'question 0 -> answer 0']);
    const old = page.getByRole('row').nth(2);
    expect((await old.locator('.c-number').textContent())?.trim()).toBe('2');
    expect(await old.locator('.c-counts').innerText()).toMatch(/up:\s*1\s*down:\s*1/);
  });

  it('is in the figures of the overview at once', async ({ skip }) => {
    const recent = { created_at: undefined };
    const { visit, page, log } = await openDashboard(browser(skip), {
      events: [exchange(0, { ...recent, flag: 'success' })],
    });
    await visit('overview');
    const tile = (label: string) =>
      page
        .locator('.tile')
        .filter({ has: page.getByText(label, { exact: true }) })
        .locator('.tile-value');
    await tile('Tasks').waitFor();
    expect(await tile('Tasks').textContent()).toBe('1');
    expect(await tile('Success rate').textContent()).toBe('100%');
    await log(exchange(1, { ...recent, flag: 'failure' }), exchange(2, recent));
    await expect.poll(() => tile('Tasks').textContent(), { timeout: 5_000 }).toBe('3');
    expect(await tile('Success rate').textContent()).toBe('50%');
  });

  it('ends the advice how to send the first task', async ({ skip }) => {
    const { visit, page, log } = await openDashboard(browser(skip));
    await visit('overview');
    await page.getByText('PHOSPHO_BASE_URL').first().waitFor();
    await log(exchange(0, { created_at: undefined }));
    await page.locator('.tile').first().waitFor();
    expect(await page.getByText('PHOSPHO_BASE_URL').count()).toBe(0);
  });
});
