import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { ANSWER, QUESTION, startDemo } from './helpers/demo-stack.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

/** The chat page, and beside it the dashboard's live list, entered by the link that is printed. */
async function openBoth(skip: (reason: string) => void) {
  const opened = browser(skip);
  const { chatUrl, dashboardUrl } = await startDemo();
  const { page: chat } = await openPage(opened);
  const { page: dashboard } = await openPage(opened);
  await dashboard.goto(dashboardUrl);
  await chat.goto(chatUrl);
  return { chat, dashboard };
}

/** Fails the test if the page is loaded again after now. */
async function stays(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => Object.assign(globalThis, { stayed: true }));
  return async () => expect(await page.evaluate(() => 'stayed' in globalThis)).toBe(true);
}

/** Text as it grows: the lengths that were seen. */
function watchText(page: Page, selector: string): Promise<void> {
  return page.evaluate((selector) => {
    const lengths = new Set<number>();
    Object.assign(globalThis, { lengths });
    new MutationObserver(() => {
      lengths.add(document.querySelector(selector)?.textContent?.length ?? 0);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  }, selector);
}

const lengthsSeen = (page: Page): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as { lengths: Set<number> }).lengths.size);

it('an answer streams in, a thumb with a comment is given, and the open dashboard shows both', async ({
  skip,
}) => {
  const { chat, dashboard } = await openBoth(skip);
  await dashboard.getByRole('link', { name: 'Tasks', exact: true }).click();
  await dashboard.getByText('No tasks yet').waitFor();
  const stayed = await stays(dashboard);

  await watchText(chat, '.message.assistant .text');
  await chat.getByLabel('Message', { exact: true }).fill(QUESTION);
  await chat.getByRole('button', { name: 'Send' }).click();
  await chat.getByText(ANSWER).waitFor();
  expect(await lengthsSeen(chat)).toBeGreaterThan(5);

  const row = dashboard.getByRole('row').filter({ hasText: QUESTION });
  await row.getByText(ANSWER).waitFor();
  expect(await row.getByText('Thumb up').count()).toBe(0);

  await chat.getByRole('button', { name: 'Good answer' }).click();
  await chat.getByLabel('Tell us more (optional)').fill('just what I needed');
  await chat.locator('phospho-feedback [part~=send]').click();
  await row.getByText('Thumb up, with a note').waitFor();
  await stayed();

  await row.getByRole('link').click();
  await dashboard.getByText('just what I needed').waitFor();
  expect(await dashboard.title()).toBe(`${QUESTION} · Task · demo · phospho`);
  await stayed();
});

it('the same by keyboard alone', async ({ skip }) => {
  const { chat, dashboard } = await openBoth(skip);
  await dashboard.getByRole('heading', { name: 'Overview' }).waitFor();
  const stayed = await stays(dashboard);
  await tabTo(dashboard, 'Tasks');
  await dashboard.keyboard.press('Enter');
  await dashboard.getByText('No tasks yet').waitFor();

  await tabTo(chat, 'Message');
  await chat.keyboard.type(QUESTION);
  await chat.keyboard.press('Enter');
  await chat.getByText(ANSWER).waitFor();
  await tabTo(chat, 'Good answer');
  await chat.keyboard.press('Space');
  await chat.getByLabel('Tell us more (optional)').waitFor();
  await tabTo(chat, 'Tell us more (optional)');
  await chat.keyboard.type('without a mouse');
  await tabTo(chat, 'Send');
  await chat.keyboard.press('Enter');

  await dashboard.getByText('Thumb up, with a note').waitFor();
  await dashboard.keyboard.press('j');
  expect(await focused(dashboard)).toBe(QUESTION);
  await dashboard.keyboard.press('Enter');
  await dashboard.getByText('without a mouse').waitFor();
  // Here the team has the last word, still by keyboard.
  await tabTo(dashboard, /^Note/);
  await dashboard.keyboard.type('too short');
  await tabTo(dashboard, 'Thumb down');
  await dashboard.keyboard.press('Enter');
  await dashboard.getByText('too short').waitFor();
  await stayed();
});

/** The name of what has the focus, as a screen reader tells it, in shadow trees too. */
async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return '';
    const { labels } = element as HTMLInputElement;
    return (element.ariaLabel ?? labels?.[0]?.textContent ?? element.textContent ?? '').trim();
  });
}

async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (typeof name === 'string' ? now === name : name.test(now)) return;
    seen.push(now);
  }
  throw new Error(`Tab never reached ${name}, but ${seen.join(', ')}`);
}
