import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { CollectorOptions } from '../../../src/collector/index.ts';
import { startDashboard, TOKEN } from '../../helpers/dashboard.ts';
import { openPage } from './witness.ts';

type Dashboard = Awaited<ReturnType<typeof startDashboard>>;

export interface DashboardPage extends Dashboard {
  page: Page;
  faults: string[];
  /** Goes to a page of the project, e.g. `tasks`, and waits until it shows what it has. */
  visit: (path: string) => Promise<void>;
}

/** A collector with these events, and a browser that is logged in and has not opened a page yet. */
export async function openDashboard(
  browser: Browser,
  {
    events = [],
    collector = {},
    ...options
  }: NonNullable<Parameters<typeof openPage>[1]> & {
    events?: readonly unknown[];
    collector?: CollectorOptions;
  } = {},
): Promise<DashboardPage> {
  const dashboard = await startDashboard(collector);
  if (events.length > 0) await dashboard.log(...events);
  const { page, faults } = await openPage(browser, options);
  const session = `${dashboard.collector.url}/dashboard/api/session`;
  const answer = await page.context().request.post(session, { data: { token: TOKEN } });
  expect(answer.status()).toBe(204);
  const visit = async (path: string) => {
    await page.goto(`${dashboard.collector.url}/dashboard/p/demo/${path}`);
    await isReady(page);
  };
  return { ...dashboard, page, faults, visit };
}

/** Nothing is on its way any more, and nothing moves. */
export async function isReady(page: Page): Promise<void> {
  await page.locator('main h1').waitFor();
  await page.waitForFunction(
    () =>
      document.querySelector('.skeletons, [aria-busy=true]') === null &&
      document.getAnimations().every(({ playState }) => playState !== 'running'),
  );
}

/** The links of a list's rows, in their order. */
export const rows = (page: Page): Promise<string[]> => page.locator('.row-link').allTextContents();
