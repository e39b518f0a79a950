import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { TOKEN } from '../helpers/dashboard.ts';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const events = Array.from({ length: 120 }, (_, index) => ({
  task_id: `t${index}`,
  session_id: 's',
  user_id: index % 2 ? 'ada' : 'bea',
  input: `question ${index}`,
  output: 'x'.repeat(index === 119 ? 30_000 : 1),
  raw_input: {
    messages: Array.from({ length: 9 }, (_, n) => ({
      role: n % 2 ? 'assistant' : 'user',
      content: n === 8 ? `question ${index}` : `turn ${n}`,
    })),
  },
}));

/** What has the focus: a tag with its name or id, or `body` where it was lost. */
const focus = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return 'nothing';
    const name = element.ariaLabel ?? element.id ?? '';
    return `${element.localName} ${name || element.textContent?.trim().slice(0, 40)}`;
  });

it('a keyboard’s place is kept where a button goes or is busy', { timeout: 60_000 }, async ({
  skip,
}) => {
  const site = await openDashboard(browser(skip), { events, refusals: true });
  const { page } = site;
  const press = async (name: string | RegExp, key = 'Enter') => {
    await page.getByRole('button', { name }).first().focus();
    await page.keyboard.press(key);
  };
  await page.goto(site.collector.dashboardUrl);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(await focus(page)).toBe('h1 Overview');

  await site.visit('tasks/t119');
  await press('Thumb up');
  await page.getByText('Saved', { exact: true }).waitFor();
  expect(await focus(page)).toContain('Thumb up');
  await press('7 earlier messages');
  await page.getByText('turn 0').waitFor();
  expect(await focus(page)).toBe('section Conversation');
  await press(/^Show all/);
  await expect.poll(() => focus(page)).toMatch(/^div x+$/);

  await site.visit('tasks?user=ada&flag=success');
  await press('Remove the filter Verdict');
  await expect.poll(() => focus(page)).toContain('Remove the filter User');
  await page.keyboard.press('Enter');
  await expect.poll(() => focus(page)).toBe('input Search in input, output and notes');

  await page.getByRole('link', { name: 'Older' }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => focus(page)).toBe('h1 Tasks');

  await site.visit('sessions/s');
  await press('Load more');
  await expect.poll(() => page.locator('.exchange').count()).toBe(100);
  expect(await focus(page)).toContain('Load more');
  await page.keyboard.press('Enter');
  await expect.poll(() => focus(page)).toBe('ol Transcript');

  await press('Log out');
  await expect.poll(() => focus(page)).toBe('input token');
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This token is not valid.').waitFor();
  expect(await focus(page)).toBe('input token');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await expect.poll(() => focus(page)).toBe('h1 Session');
});
