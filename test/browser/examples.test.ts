import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { axe, underColorSchemes } from './helpers/browser.ts';
import { startExample } from './helpers/example.ts';
import { until } from './helpers/until.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

const thumb = (page: Page, name: 'Good answer' | 'Bad answer') =>
  page.getByRole('button', { name });

const states = (page: Page): Promise<string[]> =>
  page
    .locator('phospho-feedback')
    .evaluateAll((all) => all.map((one) => (one as PhosphoFeedback).state));

async function isClean(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await underColorSchemes(page, async (scheme) => expect(await axe(page), scheme).toEqual([]));
}

it('in React an answer streams in, renders around the comment that is being written, and shows its thumb pressed after a reload', {
  timeout: 60_000,
}, async ({ skip }) => {
  const opened = browser(skip);
  const { url, dashboardUrl } = await startExample('react');
  const { page } = await openPage(opened);
  await page.goto(url);
  await page.getByLabel('Message').fill(`Why? ${'and why? '.repeat(30)}`);
  await page.keyboard.press('Enter');
  await thumb(page, 'Good answer').click();
  await until(async () => expect(await states(page)).toEqual(['sent']));
  await page.getByLabel('Tell us more (optional)').fill('while it speaks');
  await page.getByText('only streams, word by word.').waitFor({ timeout: 20_000 });
  expect(await page.getByLabel('Tell us more (optional)').inputValue()).toBe('while it speaks');
  await page.locator('phospho-feedback [part~=send]').click();
  await page.getByText('Thank you!').first().waitFor({ state: 'attached' });
  await isClean(page);

  await page.reload();
  await thumb(page, 'Good answer').waitFor();
  expect(await thumb(page, 'Good answer').getAttribute('aria-pressed')).toBe('true');
  await page.getByLabel('Message').fill('And now?');
  await page.keyboard.press('Enter');
  await thumb(page, 'Bad answer').nth(1).click();
  await until(async () => expect(await states(page)).toEqual(['idle', 'sent']));

  await page.goto(dashboardUrl);
  await page.getByRole('link', { name: 'Tasks', exact: true }).click();
  await page.getByText('Thumb up, with a note').waitFor();
  await page.getByTitle('Thumb down').waitFor();
});

it('rendered by a server, every answer of every day takes its thumb, by keyboard alone', {
  timeout: 60_000,
}, async ({ skip }) => {
  const opened = browser(skip);
  const { url } = await startExample('server-rendered');
  const { page } = await openPage(opened);
  await page.goto(url);
  await thumb(page, 'Good answer').nth(1).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await until(async () => expect(await states(page)).toEqual(['sent', 'idle']));
  await page.keyboard.press('Escape');
  await isClean(page);

  await page.getByLabel('Question').fill('<b>And</b> "now"?');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '<b>And</b> "now"?' }).waitFor();
  expect(await thumb(page, 'Good answer').first().getAttribute('aria-pressed')).toBe('true');
  // The field had the focus: the thumbs of the answer above it are one and two steps back.
  await page.getByLabel('Question').focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await until(async () => expect(await states(page)).toEqual(['idle', 'idle', 'sent']));
  await page.reload();
  await thumb(page, 'Bad answer').nth(2).waitFor();
  expect(await thumb(page, 'Bad answer').nth(2).getAttribute('aria-pressed')).toBe('true');
});
