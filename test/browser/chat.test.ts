import { createServer } from 'node:http';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { startApp } from './helpers/chat-app.ts';
import { ANSWER, QUESTION, startDemo } from './helpers/demo-stack.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

const thumb = (page: Page) => page.getByRole('button', { name: 'Good answer' });

it('several conversations are kept, each with its thumb, through a reload', async ({ skip }) => {
  const opened = browser(skip);
  const { chatUrl } = await startDemo({ msPerWord: 0 });
  const { page } = await openPage(opened);
  await page.goto(chatUrl);
  await ask(page, QUESTION);
  await thumb(page).click();
  await page.getByRole('link', { name: 'New chat' }).first().click();
  // What is typed before the page has gone to it belongs to the old one.
  await thumb(page).waitFor({ state: 'detached' });
  await ask(page, 'Something else');
  await page.getByText('This is a replayed model').waitFor();
  expect(await thumb(page).getAttribute('aria-pressed')).toBe('false');
  await page.reload();
  await page.getByText('This is a replayed model').waitFor();
  await page.getByRole('link', { name: QUESTION }).click();
  await page.getByText(ANSWER).waitFor();
  expect(await thumb(page).getAttribute('aria-pressed')).toBe('true');
  await page.getByRole('listitem').filter({ hasText: QUESTION }).hover();
  await page.getByRole('button', { name: `Delete “${QUESTION}”` }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect.poll(() => page.getByRole('link', { name: QUESTION }).count()).toBe(0);
});

it('an answer can be stopped, and asked for again', async ({ skip }) => {
  const opened = browser(skip);
  const { chatUrl } = await startDemo({ msPerWord: 120 });
  const { page } = await openPage(opened);
  await page.goto(chatUrl);
  await ask(page, QUESTION);
  await page.getByText('About two').waitFor();
  await page.getByRole('button', { name: 'Stop answering' }).click();
  await page.getByText('Stopped.').waitFor();
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.getByText(ANSWER).waitFor();
  expect(await page.locator('.message.assistant').count()).toBe(1);
});

it('on a phone the chats are in a drawer, and nothing is wider than the screen', async ({
  skip,
}) => {
  const opened = browser(skip);
  const { chatUrl } = await startDemo({ msPerWord: 0 });
  const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
  const { page } = await openPage(opened, phone);
  await page.goto(chatUrl);
  await ask(page, 'w'.repeat(300));
  await thumb(page).tap();
  await page.getByRole('button', { name: 'Chats' }).tap();
  await page.getByRole('link', { name: 'w'.repeat(80) }).waitFor();
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  expect(await width()).toBe(360);
  await page.getByRole('dialog').getByRole('link', { name: 'New chat' }).tap();
  await page.getByText('What would you like to know?').waitFor();
  expect(await width()).toBe(360);
});

it('with the collector down people chat and vote on, and all arrives when it is back', {
  timeout: 60_000,
}, async ({ skip }) => {
  const opened = browser(skip);
  const port = await freePort();
  const app = await startApp({ collectorUrl: `http://127.0.0.1:${port}/v2` });
  const { page } = await openPage(opened);
  await page.goto(app.url);
  await ask(page, QUESTION);
  await page.getByText(ANSWER).waitFor();
  await thumb(page).click();
  await page.getByLabel('Tell us more (optional)').fill('works without you');
  await page.locator('phospho-feedback [part~=send]').click();
  await page.getByText('Thank you').first().waitFor({ state: 'attached' });
  expect(app.phospho.stats().events.delivered).toBe(0);

  const collector = await createCollector({
    database: 'sqlite::memory:',
    port,
    project: 'demo',
    apiKey: app.apiKey,
  });
  onTestFinished(() => collector.close());
  await collector.listen();
  const { events, flags } = await app.phospho.flush({ timeoutMs: 30_000 });
  expect([events.delivered, flags.delivered]).toEqual([1, 1]);
  const [task] = await app.phospho.client.tasks.list({ limit: 1 });
  expect(task?.content).toMatchObject({ input: QUESTION, output: ANSWER, flag: 'success' });
});

it('a model that does not answer is said so, and the message is kept to try again', async ({
  skip,
}) => {
  const opened = browser(skip);
  const app = await startApp({ modelUrl: `http://127.0.0.1:${await freePort()}/v1` });
  const { page } = await openPage(opened, { refusals: true });
  await page.goto(app.url);
  await ask(page, QUESTION);
  await page.getByText('Sorry, no answer came. Your message is kept.').waitFor();
  expect(await thumb(page).count()).toBe(0);
  await page.getByText(QUESTION).first().waitFor();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
