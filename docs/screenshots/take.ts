/**
 * `npm run screenshots [-- --all DIRECTORY]`: takes the README's pictures anew, or every page in every size
 * and colour scheme, empty and full, to be looked at after a change. Needs a Chromium, see CONTRIBUTING.md.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import OpenAI from 'openai';
import { Phospho } from 'phospho-express';
import { type Collector, createCollector } from 'phospho-express/collector';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createChatApp } from '../../examples/chat/app.ts';
import { createReplayServer } from '../../examples/chat/replay-server.ts';
import { openBrowser } from '../../test/browser/helpers/browser.ts';
import { bikeShop, type ShopEvent } from '../../test/fixtures/bike-shop.ts';

const DESKTOP = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 };
const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
/** The chat page shows answers as plain text. */
const CHAT = [
  {
    input: 'Do you have the Brooks-style saddle in brown?',
    output: 'Yes: 6 in Lyon, 2 in Grenoble, none in Annecy. Shall I put one aside for two days?',
  },
  {
    input: 'Yes please, in Lyon. And why do my disc brakes squeal in the rain?',
    output:
      'One is put aside in Lyon until Thursday evening.\n\nThe squeal is glazed pads, or oil on the rotor. Wipe the rotor with isopropyl alcohol, rub the pads on fine sandpaper until they are matt, then brake twenty times from 25 km/h to 5. If it comes back within a week, the pads have soaked up oil and have to be replaced.',
  },
];
const EARLIER = {
  input: 'How long is the guarantee on the battery?',
  output: 'Two years, or until it holds less than 70 % of its capacity, whichever comes first.',
};
const COMMENT = 'The sandpaper did it, thank you';

interface Site {
  chatUrl: string;
  collector: Collector;
  /** What the collector was filled with. */
  events: ShopEvent[];
  close: () => Promise<void>;
}

const { values } = parseArgs({ options: { all: { type: 'string' } } });
const browser = await openBrowser();
if (browser === undefined) throw new Error('without a browser there are no screenshots');
try {
  if (values.all === undefined) await takeForReadme(browser);
  else await takeAll(browser, values.all);
} finally {
  await browser.close();
}

/** Someone has just pressed a thumb, and the team sees it. */
async function takeForReadme(browser: Browser): Promise<void> {
  const directory = fileURLToPath(new URL('.', import.meta.url));
  const site = await startSite('full');
  const chat = await open(browser, { ...DESKTOP, viewport: { width: 1280, height: 720 } });
  const tasks = await open(browser, { ...DESKTOP, viewport: { width: 1280, height: 720 } });
  await converse(chat, site.chatUrl);
  await chat.screenshot({ path: join(directory, 'chat.png') });
  await chat.getByRole('button', { name: 'Send' }).last().click();
  await logIn(tasks, site, 'tasks');
  await tasks.getByText('Thumb up, with a note').first().waitFor();
  await tasks.screenshot({ path: join(directory, 'tasks.png') });
  await site.close();
}

async function takeAll(browser: Browser, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const state of ['empty', 'full'] as const) {
    for (const [device, size] of [
      ['desktop', DESKTOP],
      ['phone', PHONE],
    ] as const) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const site = await startSite(state);
        const page = await open(browser, { ...size, colorScheme });
        const take = async (name: string) => {
          await isStill(page);
          const path = join(directory, `${name}-${state}-${device}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
        };
        if (state === 'empty') await page.goto(site.chatUrl);
        else await converse(page, site.chatUrl);
        await take('chat');
        await page.goto(`${site.collector.url}/dashboard`);
        await take('login');
        for (const path of pagesOf(site)) {
          await logIn(page, site, path);
          await take(path.split('/').length > 1 ? path.slice(0, 4) : path);
        }
        await page.context().close();
        await site.close();
      }
    }
  }
}

function pagesOf({ events }: Site): string[] {
  const lists = ['overview', 'tasks', 'sessions'];
  const one = events.at(-3);
  return one ? [...lists, `tasks/${one.task_id}`, `sessions/${one.session_id}`] : lists;
}

async function startSite(state: 'empty' | 'full'): Promise<Site> {
  const apiKey = randomBytes(32).toString('hex');
  const collector = await createCollector({
    database: 'sqlite::memory:',
    port: 0,
    project: 'bike-shop',
    apiKey,
  });
  await collector.listen();
  const phospho = new Phospho({
    apiKey,
    projectId: 'bike-shop',
    baseUrl: collector.baseUrl,
    feedback: { secret: randomBytes(32).toString('hex') },
  });
  const events = state === 'full' ? bikeShop(Math.floor(Date.now() / 1000)) : [];
  if (events.length > 0) await fill(collector, apiKey, events);
  const conversations = [[EARLIER], CHAT].map((turns, at) => ({
    session: `${at}`,
    model: 'gpt-4o-mini',
    turns,
  }));
  const model = createReplayServer(conversations, { msPerWord: 4 });
  const openai = new OpenAI({ apiKey: 'replayed', baseURL: `${await listen(model)}/v1` });
  const chat = createServer(createChatApp(phospho, openai));
  return {
    chatUrl: await listen(chat),
    collector,
    events,
    async close() {
      for (const server of [chat, model]) server.closeAllConnections();
      for (const server of [chat, model]) server.close();
      await phospho.shutdown();
      await collector.close();
    },
  };
}

async function fill(
  collector: Collector,
  apiKey: string,
  events: readonly ShopEvent[],
): Promise<void> {
  const response = await fetch(`${collector.baseUrl}/log/bike-shop`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ batched_log_events: events }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  return await (await browser.newContext({ locale: 'en', ...options })).newPage();
}

/** An earlier chat, then this one, a thumb on its last answer, and a comment that is about to be sent. */
async function converse(page: Page, chatUrl: string): Promise<void> {
  await page.goto(chatUrl);
  for (const input of [EARLIER, ...CHAT].map((turn) => turn.input)) {
    if (input === CHAT[0]?.input) await page.goto(`${chatUrl}/#/`);
    await page.getByLabel('Message', { exact: true }).fill(input);
    await page.getByLabel('Message', { exact: true }).press('Enter');
    await page.getByRole('button', { name: 'Stop answering' }).waitFor();
    await page.getByRole('button', { name: 'Stop answering' }).waitFor({ state: 'hidden' });
  }
  await page.getByRole('button', { name: 'Good answer' }).last().click();
  await page.getByLabel('Tell us more (optional)').fill(COMMENT);
  await isStill(page);
}

async function logIn(page: Page, { collector }: Site, path: string): Promise<void> {
  const token = new URL(collector.dashboardUrl).hash;
  await page.goto(`${collector.url}/dashboard/p/bike-shop/${path}${token}`);
  await page.locator('main h1').waitFor();
  await isStill(page);
}

async function isStill(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(
    () =>
      document.querySelector('.skeletons, [aria-busy=true]') === null &&
      document.getAnimations().every(({ playState }) => playState !== 'running'),
  );
}
