import type { BrowserContextOptions } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { bikeShop } from '../fixtures/bike-shop.ts';
import { axe, underColorSchemes } from './helpers/browser.ts';
import { type DashboardPage, isReady, openDashboard } from './helpers/dashboard-page.ts';
import { startDemo } from './helpers/demo-stack.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();
const DESKTOP = {};
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const STILL = { reducedMotion: 'reduce' } as const;

/** A page and what is opened on it. */
const VISITS: readonly (readonly [string, (site: DashboardPage) => Promise<unknown>])[] = [
  ['overview', async () => {}],
  ['tasks', async ({ page }) => toggleFilters(page)],
  ['tasks?flag=success&q=tyres', async () => {}],
  ['tasks?q=nothinglikethis', async () => {}],
  ['sessions', async () => {}],
  ['tasks/gone', async () => {}],
  ['sessions/gone', async () => {}],
  ['nowhere', async () => {}],
];

async function toggleFilters(page: DashboardPage['page']): Promise<void> {
  const button = page.getByRole('button', { name: 'Filters' });
  if (await button.isVisible()) await button.click();
}

async function look(site: DashboardPage, name: string): Promise<void> {
  await underColorSchemes(site.page, async (scheme) => {
    await isReady(site.page);
    expect(await axe(site.page), `${name}, ${scheme}`).toEqual([]);
  });
}

describe.each<[string, BrowserContextOptions]>([
  ['desktop', DESKTOP],
  ['phone', PHONE],
])('axe finds nothing in light and dark on a %s', (_name, device) => {
  it.for([
    ['empty', []],
    ['full', bikeShop(Math.floor(Date.now() / 1000), { days: 2, sessionsPerDay: 30 })],
  ] as const)(
    'on every page of the dashboard, %s',
    { timeout: 120_000 },
    async ([, events], { skip }) => {
      const site = await openDashboard(browser(skip), {
        ...device,
        ...STILL,
        refusals: true,
        events,
      });
      const newest = events.at(-1);
      const details: typeof VISITS = newest
        ? [
            [`tasks/${newest.task_id}`, ({ page }) => openAll(page)],
            [`sessions/${newest.session_id}`, async () => {}],
          ]
        : [];
      for (const [path, prepare] of [...VISITS, ...details]) {
        await site.visit(path);
        await prepare(site);
        await look(site, path);
      }
      if (device === DESKTOP) {
        await site.page.keyboard.press('?');
        await look(site, 'shortcuts');
        await site.page.keyboard.press('Escape');
      }
      await site.page.getByRole('button', { name: 'Log out' }).click();
      await site.page.getByRole('heading', { name: 'Log in' }).waitFor();
      await look(site, 'login');
      await site.page.getByLabel('Link or token').fill('wrong');
      await site.page.getByRole('button', { name: 'Log in' }).click();
      await site.page.getByText('not valid').waitFor();
      await look(site, 'login, refused');
    },
  );

  it('on the chat page, before and after an answer and its thumb', { timeout: 60_000 }, async ({
    skip,
  }) => {
    const opened = browser(skip);
    const { chatUrl } = await startDemo({ msPerWord: 0 });
    const { page } = await openPage(opened, { ...device, ...STILL });
    const check = (name: string) =>
      underColorSchemes(page, async (scheme) => {
        expect(await axe(page), `${name}, ${scheme}`).toEqual([]);
      });
    await page.goto(chatUrl);
    await check('new chat');
    await page.getByRole('button', { name: 'How long should green tea steep?' }).click();
    await page.getByRole('button', { name: 'Good answer' }).click();
    await page.getByLabel('Tell us more (optional)').waitFor();
    await check('answered');
    const menu = page.getByRole('button', { name: 'Chats' });
    if (await menu.isVisible()) {
      await menu.click();
      await check('drawer');
    }
    await page.getByRole('listitem').filter({ hasText: 'green tea' }).hover();
    await page.getByRole('button', { name: 'Delete “How long' }).click();
    await page.getByRole('dialog', { name: 'Delete this chat?' }).waitFor();
    await check('to be deleted');
  });
});

/** Also what opens inside of what was opened. */
async function openAll(page: DashboardPage['page']): Promise<void> {
  const closed = page.locator('main [aria-expanded=false]').first();
  while (await closed.isVisible()) await closed.click();
}
