import { describe, expect, it, vi } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { answerWith, hold, type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

/** Lets the element's timers run until it is in the state: each wait is one of its retries. */
async function fastForwardTo({ page, widget }: WidgetPage, state: string): Promise<void> {
  const now = () => widget.evaluate((element: PhosphoFeedback) => element.state);
  await vi.waitFor(
    async () => {
      await page.clock.runFor(2_000);
      expect(await now()).toBe(state);
    },
    { timeout: 10_000, interval: 20 },
  );
}

describe('a thumb', () => {
  it('is shown as pressed at once, and the server has it when the state is sent', async ({
    skip,
  }) => {
    const site = await open(skip);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    expect(await site.pressed()).toEqual(['false', 'false']);
    await site.becomes('idle');

    await site.up.click();
    expect(await site.pressed()).toEqual(['true', 'false']);
    await arrived;
    await site.becomes('sending');
    expect(await site.live.textContent()).toBe('Sending…');

    release();
    await site.becomes('sent');
    expect(await site.live.textContent()).toBe('Saved');
    expect(await site.widget.locator('[part=group]').getAttribute('data-state')).toBe('sent');
    expect(site.requests).toEqual([{ task_id: 't1', token: expect.any(String), flag: 'success' }]);
    expect(await site.flags()).toEqual([['t1', 'success']]);
    expect((await site.seen()).events).toEqual([
      ['flagged', expect.objectContaining({ taskId: 't1', flag: 'success' })],
    ]);
  });

  it('that is pressed already opens and closes the panel and sends nothing', async ({ skip }) => {
    const site = await open(skip);
    await site.down.click();
    await site.becomes('sent');
    expect(await site.panel.isVisible()).toBe(true);
    expect(await site.down.getAttribute('aria-expanded')).toBe('true');
    await site.down.click();
    expect(await site.panel.isVisible()).toBe(false);
    expect(await site.down.getAttribute('aria-expanded')).toBe('false');
    await site.down.click();
    expect(await site.panel.isVisible()).toBe(true);
    expect(site.requests).toHaveLength(1);
  });

  it('pressed last wins, though the first request is slow and the second was superseded', async ({
    skip,
  }) => {
    const site = await open(skip);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await site.down.click();
    await site.up.click();
    await site.down.click();
    expect(await site.pressed()).toEqual(['false', 'true']);
    release();
    await site.becomes('sent');
    expect(site.requests.map(({ flag }) => flag)).toEqual(['success', 'failure']);
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure']);
  });

  it('is still pressed after a reload, and after another task came and went', async ({ skip }) => {
    const site = await open(skip);
    await site.down.click();
    await site.becomes('sent');
    await site.page.reload();
    await site.becomes('idle');
    expect(await site.pressed()).toEqual(['false', 'true']);
    expect(await site.panel.isVisible()).toBe(false);

    await site.set({ 'task-id': 't2', token: site.token('t2') });
    expect(await site.pressed()).toEqual(['false', 'false']);
    await site.set({ 'task-id': 't1', token: site.token('t1') });
    expect(await site.pressed()).toEqual(['false', 'true']);
  });

  it.for([
    'not json',
    '{"a":1}',
    '[null]',
    '[["t1"],3,["t1","<b>",1]]',
    '[["","success"]]',
    '"text"',
  ])('works where localStorage holds %s', async (garbage, { skip }) => {
    const site = await open(skip, {
      before: (page) =>
        page.addInitScript((text) => localStorage.setItem('phospho-feedback', text), garbage),
    });
    expect(await site.pressed()).toEqual(['false', 'false']);
    await site.up.click();
    await site.becomes('sent');
  });

  it('works where storage is blocked', async ({ skip }) => {
    const site = await open(skip, {
      before: (page) =>
        page.addInitScript(() => {
          Object.defineProperty(globalThis, 'localStorage', {
            get() {
              throw new DOMException('blocked', 'SecurityError');
            },
          });
        }),
    });
    await site.up.click();
    await site.becomes('sent');
    expect(await site.pressed()).toEqual(['true', 'false']);
  });

  it('remembers the last 200 tasks under one key', async ({ skip }) => {
    const site = await open(skip);
    await site.page.evaluate(() => {
      const many = Array.from({ length: 200 }, (_, n) => [`old${n}`, 'success', false]);
      localStorage.setItem('phospho-feedback', JSON.stringify(many));
    });
    await site.up.click();
    await site.becomes('sent');
    const [keys, kept] = await site.page.evaluate(() => [
      Object.keys(localStorage),
      JSON.parse(localStorage.getItem('phospho-feedback') ?? ''),
    ]);
    expect(keys).toEqual(['phospho-feedback']);
    expect(kept).toHaveLength(200);
    expect(kept[0][0]).toBe('old1');
    expect(kept[199]).toEqual(['t1', 'success', false]);
  });

  it('needs only a token, which then stands for the task', async ({ skip }) => {
    const site = await open(skip);
    await site.set({ 'task-id': null });
    await site.up.click();
    await site.becomes('sent');
    expect(site.requests).toEqual([{ token: site.requests[0]?.token, flag: 'success' }]);
    expect((await site.seen()).events[0]?.[1]).toMatchObject({ taskId: 't1' });
    await site.page.reload();
    expect(await site.pressed()).toEqual(['false', 'false']);
  });
});

describe('a comment', () => {
  it('is sent by mouse, thanked for, and the panel closes by itself', async ({ skip }) => {
    const site = await open(skip, { clock: true });
    await site.up.click();
    await site.comment.fill('  short and right\n');
    await site.send.click();
    await site.becomes('sent');
    await site.comment.waitFor({ state: 'hidden' });
    expect(await site.panel.innerText()).toBe('Thank you!');
    expect((await site.flags()).at(-1)).toEqual(['t1', 'success', 'short and right']);
    await site.page.clock.runFor(2_600);
    expect(await site.panel.isVisible()).toBe(false);

    await site.up.click();
    expect(await site.comment.inputValue()).toBe('');
  });

  it('is sent with the keyboard alone, and focus never gets lost', async ({ skip }) => {
    const site = await open(skip);
    const { keyboard } = site.page;
    const focused = () =>
      site.widget.evaluate((element) => element.shadowRoot?.activeElement?.getAttribute('part'));
    await keyboard.press('Tab');
    expect(await focused()).toBe('button up');
    await keyboard.press('Tab');
    await keyboard.press('Space');
    expect(await focused()).toBe('button down');
    await site.becomes('sent');
    const order: unknown[] = [];
    for (let n = 0; n < 3; n++) {
      await keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order).toEqual(['comment', 'send', 'close']);

    await keyboard.press('Escape');
    expect(await site.panel.isVisible()).toBe(false);
    expect(await focused()).toBe('button down');

    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await keyboard.type('wrong');
    await keyboard.press('Control+Enter');
    await site.comment.waitFor({ state: 'hidden' });
    expect(await focused()).toBe('button down');
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure', 'wrong']);
  });

  it('of blanks is not sent', async ({ skip }) => {
    const site = await open(skip);
    await site.up.click();
    await site.becomes('sent');
    await site.comment.fill('   ');
    await site.send.click();
    expect(await site.panel.isVisible()).toBe(true);
    expect(site.requests).toHaveLength(1);
  });

  it('has at most 2000 characters', async ({ skip }) => {
    const site = await open(skip);
    await site.up.click();
    await site.comment.focus();
    await site.page.keyboard.insertText('x'.repeat(2_010));
    await site.send.click();
    await site.comment.waitFor({ state: 'hidden' });
    expect((await site.flags()).at(-1)?.[2]).toHaveLength(2_000);
  });

  it('that is still on its way goes along when the mind is changed', async ({ skip }) => {
    const site = await open(skip);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await site.comment.fill('half right');
    await site.send.click();
    await site.down.click();
    release();
    await site.becomes('sent');
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure', 'half right']);
  });

  it('cannot be made with comment="off"', async ({ skip }) => {
    const site = await open(skip);
    await site.set({ comment: 'off' });
    await site.up.click();
    await site.becomes('sent');
    expect(await site.panel.isVisible()).toBe(false);
    await site.up.click();
    expect(await site.panel.isVisible()).toBe(false);
  });
});

describe('what goes wrong', () => {
  it('is retried 3 times, then told, and sent when the user says so', async ({ skip }) => {
    const site = await open(skip, { clock: true });
    await site.set({ comment: 'off' });
    for (const status of [503, 429, 425, 500]) site.answers.push(answerWith(status));
    await site.up.click();
    await fastForwardTo(site, 'failed');
    expect(site.requests).toHaveLength(4);
    expect(await site.pressed()).toEqual(['true', 'false']);
    expect((await site.panel.innerText()).split('\n')[0]).toBe('Could not be sent');
    expect((await site.seen()).events).toEqual([
      [
        'error',
        {
          taskId: 't1',
          flag: 'success',
          status: 500,
          code: 'c500',
          message: 'as the test wants it',
        },
      ],
    ]);
    await site.retry.focus();
    await site.page.keyboard.press('Enter');
    await site.becomes('sent');
    expect(await site.panel.isVisible()).toBe(false);
    expect(await site.up.evaluate((button) => button.matches(':focus'))).toBe(true);
    expect(await site.flags()).toEqual([['t1', 'success']]);
  });

  it('waits about 1, 3 and 9 s between tries, or as Retry-After says, up to 60 s', async ({
    skip,
  }) => {
    const site = await open(skip, { clock: true });
    await site.page.evaluate(() => {
      const { setTimeout: real } = globalThis;
      const delays: number[] = [];
      Object.assign(globalThis, {
        delays,
        setTimeout(task: () => void, ms: number) {
          delays.push(ms);
          return real(task, 0);
        },
      });
    });
    const delays = () =>
      site.page.evaluate(() => (globalThis as unknown as { delays: number[] }).delays);
    site.answers.push(answerWith(503), answerWith(503), answerWith(503));
    await site.up.click();
    await site.becomes('sent');
    const [first = 0, second = 0, third = 0] = await delays();
    expect(first / 1_000).toBeCloseTo(1, 0);
    expect(second / 3_000).toBeCloseTo(1, 0);
    expect(third / 9_000).toBeCloseTo(1, 0);

    site.answers.push(
      answerWith(429, { 'retry-after': '7' }),
      answerWith(429, { 'retry-after': '3600' }),
    );
    await site.down.click();
    await site.becomes('sent');
    expect((await delays()).slice(3)).toEqual([7_000, 60_000]);
  });

  it('on the network is told with status 0', async ({ skip }) => {
    const site = await open(skip, { clock: true });
    await site.page.route('**/phospho/flag', (route) => route.abort());
    await site.down.click();
    await fastForwardTo(site, 'failed');
    expect((await site.seen()).events).toEqual([
      ['error', expect.objectContaining({ taskId: 't1', status: 0, code: 'network' })],
    ]);
    await site.page.unroute('**/phospho/flag');
    await site.retry.click();
    await site.becomes('sent');
  });

  it('offline waits until the browser is online, and sends the last click alone', async ({
    skip,
  }) => {
    const site = await open(skip);
    await site.page.context().setOffline(true);
    await site.up.click();
    await site.becomes('waiting');
    expect(await site.live.textContent()).toBe('Offline: will be sent later');
    await site.down.click();
    expect(await site.pressed()).toEqual(['false', 'true']);
    await site.page.context().setOffline(false);
    await site.becomes('sent');
    expect(site.requests.map(({ flag }) => flag)).toEqual(['failure']);
  });

  it('with an expired token puts the thumb back and offers no retry', async ({ skip }) => {
    const site = await open(skip);
    await site.up.click();
    await site.becomes('sent');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 60_000 });
    const token = site.phospho.feedbackToken('t1', { expiresInMs: 1_000 });
    vi.useRealTimers();
    await site.set({ token });
    expect(await site.pressed()).toEqual(['true', 'false']);

    await site.down.click();
    await site.becomes('failed');
    expect(await site.pressed()).toEqual(['true', 'false']);
    expect(await site.panel.isVisible()).toBe(true);
    expect(await site.retry.isVisible()).toBe(false);
    expect((await site.seen()).events.at(-1)).toEqual([
      'error',
      expect.objectContaining({ flag: 'failure', status: 401, code: 'token_expired' }),
    ]);
    expect(site.requests).toHaveLength(2);
  });

  it('does not keep a click from the server when the element is gone', async ({ skip }) => {
    const site = await open(skip, { clock: true });
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await site.widget.evaluate((element) => element.remove());
    release();
    await vi.waitFor(async () => expect(await site.flags()).toEqual([['t1', 'success']]));
  });

  it('of one task is not shown at the next', async ({ skip }) => {
    const site = await open(skip);
    const { handler, arrived, release } = hold();
    site.answers.push(handler);
    await site.up.click();
    await arrived;
    await site.set({ 'task-id': 't2', token: site.token('t2') });
    expect(await site.pressed()).toEqual(['false', 'false']);
    expect(await site.panel.isVisible()).toBe(false);
    release();
    await vi.waitFor(async () => expect((await site.seen()).events).toHaveLength(1));
    await site.becomes('idle');
    expect(await site.pressed()).toEqual(['false', 'false']);
  });
});

describe('the element', () => {
  it('takes task and token from an answer, and hides where there are none', async ({ skip }) => {
    const site = await open(skip, { attributes: '' });
    expect(await site.widget.isVisible()).toBe(false);
    const attach = (path: string) =>
      site.widget.evaluate(async (element: PhosphoFeedback, url) => {
        const messages = [{ role: 'user', content: 'Capital of Australia?' }];
        const body = JSON.stringify({ messages });
        const headers = { 'content-type': 'application/json' };
        return element.attach(await fetch(url, { method: 'POST', headers, body }));
      }, path);
    expect(await attach('/chat')).toBe(true);
    expect(await site.widget.isVisible()).toBe(true);
    await site.up.click();
    await site.becomes('sent');
    const taskId = await site.widget.getAttribute('task-id');
    expect(await site.flags()).toEqual([[taskId, 'success']]);

    expect(await attach('/unrecorded')).toBe(false);
    expect(await site.widget.isVisible()).toBe(false);
    expect(await site.widget.getAttribute('token')).toBeNull();
  });

  it('is hidden with empty attributes, and with hidden', async ({ skip }) => {
    const site = await open(skip, { attributes: 'task-id="" token=""' });
    expect(await site.widget.isVisible()).toBe(false);
    await site.set({ 'task-id': 't1' });
    expect(await site.widget.isVisible()).toBe(true);
    await site.set({ hidden: '' });
    expect(await site.widget.isVisible()).toBe(false);
  });

  it('speaks any language, and changes it at any time', async ({ skip }) => {
    const site = await open(skip);
    await site.up.click();
    await site.becomes('sent');
    await site.set({
      label: 'War die Antwort hilfreich?',
      'label-up': 'Gute Antwort',
      'label-down': 'Schlechte Antwort',
      'label-comment': 'Erzählen Sie mehr',
      'label-send': 'Senden',
      'label-close': 'Schließen',
      'text-sent': 'Gespeichert',
      'text-thanks': 'Danke!',
    });
    const { page } = site;
    const group = page.getByRole('group', { name: 'War die Antwort hilfreich?' });
    expect(await group.getByRole('button', { name: 'Gute Antwort' }).isVisible()).toBe(true);
    expect(await group.getByRole('button', { name: 'Schlechte Antwort' }).isVisible()).toBe(true);
    expect(await page.getByLabel('Erzählen Sie mehr').isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Senden' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Schließen' }).isVisible()).toBe(true);
    expect(await site.live.textContent()).toBe('Gespeichert');
    expect(await site.panel.innerText()).not.toMatch(/Thank|Send\b|more/);
  });

  it('sends to the endpoint it is given', async ({ skip }) => {
    const site = await open(skip);
    const url = new Promise<string>((resolve) => {
      site.page.on('request', (request) => resolve(request.url()));
    });
    await site.set({ endpoint: '/elsewhere/flag' });
    await site.up.click();
    expect(new URL(await url).pathname).toBe('/elsewhere/flag');
    await site.becomes('failed');
  });

  it('can be imported on a server', async () => {
    expect(globalThis).not.toHaveProperty('HTMLElement');
    const { PhosphoFeedback } = await import('../../src/widget/index.ts');
    expect(PhosphoFeedback).toBeTypeOf('function');
  });
});
