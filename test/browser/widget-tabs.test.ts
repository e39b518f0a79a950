import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { until } from './helpers/until.ts';
import { answerWith, hold, type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

const shown = (page: Page) =>
  page
    .locator('phospho-feedback')
    .evaluateAll((all) =>
      all.map((one) => [(one as PhosphoFeedback).flag, (one as PhosphoFeedback).state]),
    );

const press = (page: Page, part: 'up' | 'down') =>
  page.locator(`phospho-feedback [part~="${part}"]`).first().click();

async function secondTab(site: WidgetPage): Promise<Page> {
  const tab = await site.page.context().newPage();
  await tab.goto(site.page.url());
  await tab.waitForFunction(() => customElements.get('phospho-feedback'));
  return tab;
}

const remembered = (page: Page): Promise<unknown> =>
  page.evaluate(() => JSON.parse(localStorage.getItem('phospho-feedback') ?? 'null'));

describe('two tabs with the same answer', () => {
  it('show a thumb that was given in one of them, at once, and send it once', async ({ skip }) => {
    const site = await open(skip);
    const tab = await secondTab(site);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await until(async () => expect(await shown(tab)).toEqual([['success', 'idle']]));
    release();
    await site.becomes('sent');
    await press(tab, 'down');
    await until(async () => expect(await shown(site.page)).toEqual([['failure', 'idle']]));
    expect(await site.pressed()).toEqual(['false', 'true']);
    await until(async () => expect(await shown(tab)).toEqual([['failure', 'sent']]));
    expect(site.requests.map(({ flag }) => flag)).toEqual(['success', 'failure']);
  });

  it('send the last click alone, though the first was made offline in the other one', async ({
    skip,
  }) => {
    const site = await open(skip);
    const tab = await secondTab(site);
    await site.page.context().setOffline(true);
    await press(site.page, 'up');
    await until(async () => expect(await shown(tab)).toEqual([['success', 'idle']]));
    await press(tab, 'down');
    await until(async () => expect(await shown(site.page)).toEqual([['failure', 'idle']]));
    await site.page.context().setOffline(false);
    await until(async () => expect(await shown(tab)).toEqual([['failure', 'sent']]));
    expect(site.requests.map(({ flag }) => flag)).toEqual(['failure']);
    expect(await site.flags()).toEqual([['t1', 'failure']]);
  });

  it('leave the last click at the server, though the first is the slower request', async ({
    skip,
  }) => {
    const site = await open(skip);
    const tab = await secondTab(site);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await press(site.page, 'up');
    await arrived;
    await press(tab, 'down');
    await until(async () => expect(await shown(tab)).toEqual([['failure', 'sent']]));
    release();
    // The server took the slow one last: so what is shown is said once more.
    await until(() =>
      expect(site.requests.map(({ flag }) => flag)).toEqual(['success', 'failure', 'failure']),
    );
    await site.becomes('sent');
    expect(await shown(site.page)).toEqual([['failure', 'sent']]);
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure']);
  });

  it('keep the comment that one of them could not send yet, when the other changes the thumb', async ({
    skip,
  }) => {
    const site = await open(skip);
    const tab = await secondTab(site);
    await site.page.context().setOffline(true);
    await site.up.click();
    await site.comment.fill('half right');
    await site.send.click();
    await until(async () => expect(await shown(tab)).toEqual([['success', 'idle']]));
    await press(tab, 'down');
    await site.page.context().setOffline(false);
    await until(async () => expect(await shown(tab)).toEqual([['failure', 'sent']]));
    expect(await site.flags()).toEqual([['t1', 'failure', 'half right']]);
  });

  it('take a thumb back that was refused', async ({ skip }) => {
    const site = await open(skip);
    const tab = await secondTab(site);
    const { handler, arrived, release } = hold();
    site.answers.push((req, res, next) => {
      void handler(req, res, () => answerWith(403)(req, res, next));
    });
    await site.up.click();
    await arrived;
    await until(async () => expect(await shown(tab)).toEqual([['success', 'idle']]));
    release();
    await site.becomes('failed');
    await until(async () => expect(await shown(tab)).toEqual([[undefined, 'idle']]));
    expect(await site.pressed()).toEqual(['false', 'false']);
  });
});

describe('a click whose page went before it was sent', () => {
  it('offline is sent by the page that comes after, with its comment, and then forgotten', async ({
    skip,
  }) => {
    const site = await open(skip);
    // Offline for the page alone, so that it can be loaded again.
    await site.page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, 'onLine', {
        configurable: true,
        get: () => !sessionStorage.getItem('offline'),
      });
    });
    await site.page.evaluate(() => sessionStorage.setItem('offline', 'yes'));
    await site.page.reload();
    await site.down.click();
    await site.comment.fill('wrong year');
    await site.send.click();
    await site.becomes('waiting');
    await site.page.reload();
    await site.becomes('waiting');
    expect(await site.pressed()).toEqual(['false', 'true']);
    expect(await site.panel.isVisible(), 'no panel opens by itself').toBe(false);
    expect(site.requests).toEqual([]);
    await site.page.evaluate(() => sessionStorage.removeItem('offline'));
    await site.page.evaluate(() => dispatchEvent(new Event('online')));
    await site.becomes('sent');
    expect(await site.flags()).toEqual([['t1', 'failure', 'wrong year']]);
    await site.page.reload();
    await site.becomes('idle');
    expect(await remembered(site.page)).toEqual([['t1', 'failure', true]]);
    expect(site.requests).toHaveLength(1);
  });

  it('in the middle of its retries is sent after a reload, without a token in storage', async ({
    skip,
  }) => {
    const site = await open(skip);
    site.answers.push(answerWith(503, { 'retry-after': '60' }));
    await site.up.click();
    await until(() => expect(site.requests).toHaveLength(1));
    expect(JSON.stringify(await remembered(site.page))).not.toContain(site.token().slice(0, 20));
    await site.page.reload();
    await site.becomes('sent');
    expect(await site.flags()).toEqual([['t1', 'success']]);
  });

  it('under way arrives all the same; sent once more, it changes nothing', async ({ skip }) => {
    const site = await open(skip);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await site.page.reload();
    await site.becomes('sent');
    release();
    await until(async () => expect((await site.flags()).length).toBeGreaterThan(0));
    expect(new Set((await site.flags()).map(String))).toEqual(new Set(['t1,success']));
  });

  it('and that is refused then, gives back the thumb that the server has', async ({ skip }) => {
    const site = await open(skip);
    await site.up.click();
    await site.becomes('sent');
    site.answers.push(answerWith(503, { 'retry-after': '60' }), answerWith(401));
    await site.down.click();
    await until(() => expect(site.requests).toHaveLength(2));
    await site.page.reload();
    await site.becomes('failed');
    expect(await site.pressed()).toEqual(['true', 'false']);
    expect(await remembered(site.page)).toEqual([['t1', 'success', false]]);
  });

  it('waits for an element of its task', async ({ skip }) => {
    const site = await open(skip);
    site.answers.push(answerWith(503, { 'retry-after': '60' }));
    await site.up.click();
    await until(() => expect(site.requests).toHaveLength(1));
    await site.page.route('**/', async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace(/<phospho-feedback[^>]*>/, '<phospho-feedback>');
      await route.fulfill({ response, body });
    });
    await site.page.reload();
    await site.set({ 'task-id': 't2', token: site.token('t2') });
    await site.up.click();
    await site.becomes('sent');
    await site.set({ 'task-id': 't1', token: site.token('t1') });
    await site.becomes('sent');
    expect(site.requests.map(({ task_id }) => task_id)).toEqual(['t1', 't2', 't1']);
  });
});

describe('two elements of one page for the same task', () => {
  const body = (token: (taskId: string) => string) =>
    `<phospho-feedback task-id="t1" token="${token('t1')}"></phospho-feedback>`.repeat(2);

  it('show the same thumb, and the last click wins', async ({ skip }) => {
    const site = await open(skip, { body });
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.first().click();
    await arrived;
    await site.down.last().click();
    expect(await shown(site.page)).toEqual([
      ['failure', 'idle'],
      ['failure', expect.any(String)],
    ]);
    release();
    await until(async () =>
      expect(await shown(site.page)).toEqual([
        ['failure', 'sent'],
        ['failure', 'sent'],
      ]),
    );
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure']);
  });
});
