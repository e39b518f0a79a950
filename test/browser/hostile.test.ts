import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { HOSTILE, taskOf } from '../fixtures/hostile-texts.ts';
import { isReady, openDashboard } from './helpers/dashboard-page.ts';
import { startDemo } from './helpers/demo-stack.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();
const TASKS = HOSTILE.map(taskOf);

/** What stands in a page that no captured text may bring: elements, handlers, addresses. */
function intruders(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const own = new Set([...document.head.querySelectorAll('script, link, meta, style')]);
    const foreign =
      'script, iframe, frame, object, embed, base, meta, link, style, img, video, math';
    for (const element of document.querySelectorAll(foreign)) {
      if (!own.has(element)) found.push(element.outerHTML.slice(0, 200));
    }
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        const isAddress = ['href', 'src', 'action', 'formaction', 'data'].includes(name);
        const isWeb = !isAddress || /^(https?:\/\/|\/|#)/.test(value);
        if (name.startsWith('on') || !isWeb) found.push(element.outerHTML.slice(0, 200));
      }
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>('a[href]')) {
      const leaves = link.origin !== location.origin;
      if (leaves && !(link.relList.contains('noopener') && link.target === '_blank')) {
        found.push(`without noopener: ${link.outerHTML.slice(0, 200)}`);
      }
    }
    return found;
  });
}

it('the witness sees such texts run in a page without defences', async ({ skip }) => {
  const { page, faults } = await openPage(browser(skip));
  // Not the one that leaves the page.
  await page.setContent(HOSTILE.filter((text) => !text.includes('refresh')).join('\n'));
  await expect.poll(() => faults.filter((fault) => fault.startsWith('ran: '))).not.toEqual([]);
  expect(await intruders(page)).not.toEqual([]);
  await page.context().close();
  faults.length = 0;
});

it('no page of the dashboard runs, loads or obeys what was captured', { timeout: 180_000 }, async ({
  skip,
}) => {
  const site = await openDashboard(browser(skip), { events: TASKS, refusals: true });
  const { page } = site;
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(site.collector.url)) elsewhere.push(request.url());
  });
  const check = async (name: string) => {
    expect(await intruders(page), name).toEqual([]);
    // A style that got in would hide the page.
    expect(await page.locator('main h1').isVisible(), name).toBe(true);
    expect(await widthOf(page), name).toBeLessThanOrEqual(1280);
  };
  await site.visit('overview');
  await check('overview');
  for (const list of ['tasks', 'sessions']) {
    await site.visit(list);
    expect(await page.locator('.row-link').count()).toBe(TASKS.length);
    await check(list);
  }
  for (const { task_id, session_id } of TASKS) {
    await site.visit(`tasks/${task_id}`);
    await openAll(page);
    await check(`task ${task_id}`);
    await page.getByRole('button', { name: 'Plain text' }).click();
    await check(`task ${task_id} in plain text`);
    const session = encodeURIComponent(String(session_id));
    await site.visit(`sessions/${session}`);
    await check(`session ${task_id}`);
  }
  expect(elsewhere).toEqual([]);
});

it('no address makes the dashboard do what it says', { timeout: 60_000 }, async ({ skip }) => {
  const site = await openDashboard(browser(skip), { refusals: true });
  const { page } = site;
  const texts = HOSTILE.filter((text) => text.length < 300 && !text.includes('\uD800'));
  for (const [index, text] of texts.entries()) {
    const encoded = encodeURIComponent(text);
    const paths = [
      `p/demo/tasks?session=${encoded}&q=${encoded}&from=${encoded}&before=${encoded}#${encoded}`,
      `login?next=${encoded}`,
      `p/${encoded}/tasks/${encoded}`,
      `p/demo/sessions/${encoded}?after=${encoded}`,
    ];
    await page.goto(`${site.collector.url}/dashboard/${paths[index % paths.length]}`);
    await isReady(page);
    expect(new URL(page.url()).origin).toBe(site.collector.url);
    expect(await intruders(page), text).toEqual([]);
  }
});

it('hidden and turning characters are shown by name', async ({ skip }) => {
  const input = 'pay\u202Elapyap\u202C now\u0007';
  const site = await openDashboard(browser(skip), {
    events: [{ task_id: 't', session_id: 's', input, output: 'a\u0000b' }],
  });
  for (const path of ['tasks', 'tasks/t', 'sessions/s']) {
    await site.visit(path);
    const text = (await site.page.locator('main').textContent()) ?? '';
    expect(text).toContain('payU+202ElapyapU+202C nowU+0007');
    expect(text).toContain('a\uFFFDb');
    for (const hidden of ['\0', '\u0007', '\u202E']) expect(text).not.toContain(hidden);
  }
});

it('lines of 1 MB are shown, and the page stays usable', { timeout: 60_000 }, async ({ skip }) => {
  const line = `begin ${'x'.repeat(2 ** 20 - 12)} end`;
  const event = { task_id: 't', session_id: 's', input: line, output: line };
  const site = await openDashboard(browser(skip), { events: [event] });
  const { page } = site;
  for (const path of ['tasks', 'sessions', 'sessions/s', 'tasks/t']) {
    await site.visit(path);
    expect(await widthOf(page), path).toBeLessThanOrEqual(1280);
  }
  await page
    .getByRole('button', { name: /Show all/ })
    .last()
    .click();
  await page
    .getByText(/x end$/)
    .first()
    .waitFor();
  expect(await widthOf(page)).toBeLessThanOrEqual(1280);
  await page.getByRole('button', { name: 'Thumb up' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
});

const widthOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth);

it('the chat page shows hostile answers as text', { timeout: 60_000 }, async ({ skip }) => {
  const opened = browser(skip);
  const turns = HOSTILE.map((text) => ({ input: text.trim() || 'x', output: text }));
  const conversations = turns.map((turn, at) => ({ session: `${at}`, model: 'm', turns: [turn] }));
  const { chatUrl } = await startDemo({ conversations, msPerWord: 0 });
  const { page } = await openPage(opened);
  await page.goto(chatUrl);
  for (const { input } of turns.slice(0, 30)) {
    await page.getByRole('link', { name: 'New chat' }).first().click();
    await page.getByLabel('Message', { exact: true }).fill(input);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('button', { name: 'Good answer' }).waitFor();
    expect((await intruders(page)).filter((html) => !html.includes('/favicon.svg'))).toEqual([]);
  }
  await page.reload();
  expect((await intruders(page)).filter((html) => !html.includes('/favicon.svg'))).toEqual([]);
});

async function openAll(page: Page): Promise<void> {
  const closed = page.locator('main [aria-expanded=false]').first();
  while (await closed.isVisible()) await closed.click();
}
