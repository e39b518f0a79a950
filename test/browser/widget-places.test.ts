import { describe, expect, it, onTestFinished } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { until } from './helpers/until.ts';
import { type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

const ELEMENT = (token: (taskId: string) => string) =>
  `<phospho-feedback task-id="t1" token="${token('t1')}"></phospho-feedback>`;

/** Gives a thumb up, wherever the element is, and sees it arrive. */
async function works(site: WidgetPage): Promise<void> {
  await site.up.first().click();
  await until(async () =>
    expect(
      await site.widget.first().evaluate((element) => (element as PhosphoFeedback).state),
    ).toBe('sent'),
  );
  expect((await site.flags()).at(-1)).toEqual(['t1', 'success']);
}

/** Makes elements by script; the policy of these pages has no Trusted Types. */
const lenient = { body: () => '<div id="place"></div>', policy: "default-src 'self'" };

describe('the element works', () => {
  it('in the shadow tree of another component, which hears its events', async ({ skip }) => {
    const site = await open(skip, { body: () => '<div id="place"></div>' });
    await site.page.evaluate((token) => {
      const root = document.querySelector('#place')?.attachShadow({ mode: 'open' });
      const element = document.createElement('phospho-feedback');
      element.setAttribute('task-id', 't1');
      element.setAttribute('token', token);
      root?.append(element);
    }, site.token());
    await works(site);
    await site.comment.fill('inside');
    await site.page.keyboard.press('Control+Enter');
    await until(async () =>
      expect((await site.flags()).at(-1)).toEqual(['t1', 'success', 'inside']),
    );
    await until(async () => expect((await site.seen()).events).toHaveLength(2));
  });

  it('as a server wrote it, with attributes alone, though the script comes much later', async ({
    skip,
  }) => {
    let load = () => {};
    const later = new Promise<void>((resolve) => {
      load = resolve;
    });
    onTestFinished(() => load());
    const opening = open(skip, {
      body: (token) => `${ELEMENT(token)}<script src="/told.js"></script>`,
      before: async (page) => {
        await page.route('**/told.js', (route) =>
          route.fulfill({ contentType: 'text/javascript', body: 'globalThis.parsed = true' }),
        );
        await page.route('**/phospho/widget.js', async (route) => {
          await later;
          await route.continue();
        });
        void page
          .waitForFunction(() => 'parsed' in globalThis && !!document.querySelector('#next'))
          .then(() => page.locator('phospho-feedback').boundingBox())
          .then((box) => {
            expect(box?.height).toBe(32);
            load();
          });
      },
    });
    const site = await opening;
    await works(site);
    expect((await site.seen()).shifts).toEqual([]);
  });

  it.for([
    ['innerHTML', 'place.innerHTML = html'],
    ['insertAdjacentHTML', "place.insertAdjacentHTML('beforeend', html)"],
    [
      'a template',
      "t = document.createElement('template'); t.innerHTML = html; place.append(t.content.cloneNode(true))",
    ],
    [
      'a parser of its own',
      "place.append(document.adoptNode(new DOMParser().parseFromString(html, 'text/html').body.firstChild))",
    ],
    [
      'attributes that come after it, token first',
      "e = document.createElement('phospho-feedback'); place.append(e); e.setAttribute('token', token); e.setAttribute('task-id', 't1')",
    ],
  ] as const)('made by %s', async ([, script], { skip }) => {
    const site = await open(skip, lenient);
    const token = site.token();
    await site.page.evaluate(
      `{ let t, e; const place = document.querySelector('#place'), token = ${JSON.stringify(token)},
         html = ${JSON.stringify(ELEMENT(() => token))}; ${script} }`,
    );
    await works(site);
    expect(await site.pressed()).toEqual(['true', 'false']);
  });

  it('upgraded, with properties and attributes that were set before its definition', async ({
    skip,
  }) => {
    const site = await open(skip, {
      body: (token) => `${ELEMENT(token)}<script src="/before.js"></script>`,
      before: (page) =>
        page.route('**/before.js', (route) =>
          route.fulfill({
            contentType: 'text/javascript',
            body: `const element = document.querySelector('phospho-feedback');
              element.setAttribute('label-up', 'Ja'); element.title = 'x';`,
          }),
        ),
    });
    expect(await site.up.getAttribute('aria-label')).toBe('Ja');
    await works(site);
  });

  it('moved in the page while its request is under way, and open panels close', async ({
    skip,
  }) => {
    const site = await open(skip);
    await site.up.click();
    expect(await site.panel.isVisible()).toBe(true);
    await site.widget.evaluate((element) => document.body.prepend(element));
    expect(await site.panel.isVisible()).toBe(false);
    await site.becomes('sent');
    expect(await site.pressed()).toEqual(['true', 'false']);
    await site.down.click();
    await site.becomes('sent');
    expect((await site.flags()).at(-1)).toEqual(['t1', 'failure']);
  });

  it('cloned, and the clone shows what was given to the original', async ({ skip }) => {
    const site = await open(skip);
    await site.down.click();
    await site.becomes('sent');
    await site.widget.evaluate((element) => element.after(element.cloneNode(true)));
    expect(await site.down.last().getAttribute('aria-pressed')).toBe('true');
    await site.up.last().click();
    await until(async () => expect((await site.flags()).at(-1)).toEqual(['t1', 'success']));
    expect(await site.up.first().getAttribute('aria-pressed')).toBe('true');
  });

  it("under default-src 'self' alone, without one report", async ({ skip }) => {
    const reports: string[] = [];
    const site = await open(skip, {
      policy: "default-src 'self'; report-uri /csp-report",
      before: (page) =>
        page.route('**/csp-report', async (route) => {
          reports.push(route.request().postData() ?? '');
          await route.fulfill({ status: 204 });
        }),
    });
    await works(site);
    await site.comment.fill('fine');
    await site.send.click();
    await site.comment.waitFor({ state: 'hidden' });
    await site.page.setViewportSize({ width: 320, height: 500 });
    expect(reports).toEqual([]);
  });
});

it('attributes that a framework sets to what they are change nothing in the element', async ({
  skip,
}) => {
  const site = await open(skip);
  await site.up.click();
  await site.becomes('sent');
  await site.comment.fill('half a thou');
  const changes = await site.widget.evaluate(async (element) => {
    let seen = 0;
    const observer = new MutationObserver((records) => {
      seen += records.length;
    });
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    observer.observe(element.shadowRoot as ShadowRoot, all);
    for (const name of element.getAttributeNames()) {
      element.setAttribute(name, element.getAttribute(name) ?? '');
    }
    await Promise.resolve();
    return seen + observer.takeRecords().length;
  });
  expect(changes).toBe(0);
  expect(await site.comment.inputValue()).toBe('half a thou');
  expect(await site.panel.isVisible()).toBe(true);
  expect(site.requests).toHaveLength(1);
});

it('a fresh token of the same task keeps thumb, panel and comment, and is the one that is sent', async ({
  skip,
}) => {
  const site = await open(skip);
  await site.up.click();
  await site.becomes('sent');
  await site.comment.fill('half a thought');
  const fresh = site.phospho.feedbackToken('t1', { expiresInMs: 60_000 });
  await site.set({ token: fresh });
  expect(await site.comment.inputValue()).toBe('half a thought');
  await site.send.click();
  await site.comment.waitFor({ state: 'hidden' });
  expect(site.requests.at(-1)).toMatchObject({ token: fresh, notes: 'half a thought' });
});
