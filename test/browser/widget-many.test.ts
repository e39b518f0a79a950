import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import type { PhosphoFeedback } from '../../src/widget/index.ts';
import { until } from './helpers/until.ts';
import { type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

const TASKS = Array.from({ length: 40 }, (_, n) => `t${n}`);

const body = (token: (taskId: string) => string): string =>
  TASKS.map(
    (id) =>
      `<p>Answer ${id}</p><phospho-feedback task-id="${id}" token="${token(id)}"></phospho-feedback>`,
  ).join('');

const at = ({ widget }: WidgetPage, index: number, part: string): Locator =>
  widget.nth(index).locator(`[part~="${part}"]`);

const states = ({ widget }: WidgetPage): Promise<string[]> =>
  widget.evaluateAll((all) => all.map((one) => (one as PhosphoFeedback).state));

/** Presses by script, as forty clicks with a mouse would scroll for seconds. */
const pressAll = ({ widget }: WidgetPage, part: string): Promise<void> =>
  widget.evaluateAll((all, name) => {
    for (const one of all) {
      one.shadowRoot?.querySelector<HTMLElement>(`[part~="${name}"]`)?.click();
    }
  }, part);

it('of forty elements on a page each flags its own task', async ({ skip }) => {
  const site = await open(skip, { body });
  for (const index of [0, 17, 39]) await at(site, index, index === 17 ? 'down' : 'up').click();
  await until(async () =>
    expect((await states(site)).filter((state) => state === 'sent')).toHaveLength(3),
  );
  expect(await site.flags()).toEqual([
    ['t0', 'success'],
    ['t17', 'failure'],
    ['t39', 'success'],
  ]);
  const pressed = await site.widget.evaluateAll((all) =>
    all.flatMap((one, index) => ((one as PhosphoFeedback).flag ? [index] : [])),
  );
  expect(pressed).toEqual([0, 17, 39]);
});

it('forty clicks made offline arrive once each, the last of each task, and none is turned away', async ({
  skip,
}) => {
  const site = await open(skip, { body });
  await site.page.context().setOffline(true);
  await pressAll(site, 'up');
  await pressAll(site, 'down');
  expect(new Set(await states(site))).toEqual(new Set(['waiting']));
  await site.page.context().setOffline(false);
  await until(async () => expect(new Set(await states(site))).toEqual(new Set(['sent'])));
  const sent = site.requests.map(({ task_id, flag }) => `${task_id} ${flag}`).sort();
  expect(sent).toEqual(TASKS.map((id) => `${id} failure`).sort());
  expect((await site.seen()).events.filter(([kind]) => kind === 'error')).toEqual([]);
});

it('forty long comments made offline all arrive, though together they are more than a page may keep alive', async ({
  skip,
}) => {
  const site = await open(skip, { body });
  await site.page.context().setOffline(true);
  await site.widget.evaluateAll((all) => {
    for (const { shadowRoot } of all) {
      shadowRoot?.querySelector<HTMLElement>('[part~=up]')?.click();
      const comment = shadowRoot?.querySelector('textarea');
      if (comment) comment.value = 'ü'.repeat(2_000);
      shadowRoot?.querySelector<HTMLElement>('[part~=send]')?.click();
    }
  });
  await site.page.context().setOffline(false);
  await until(async () => expect(new Set(await states(site))).toEqual(new Set(['sent'])));
  const notes = new Map((await site.flags()).map(([id, , text]) => [id, text?.length]));
  expect([...notes.keys()].sort()).toEqual([...TASKS].sort());
  expect(new Set(notes.values())).toEqual(new Set([2_000]));
});

it('forty elements parse what is remembered once, and once more for each change', async ({
  skip,
}) => {
  const site = await open(skip, {
    body,
    before: (page) =>
      page.addInitScript(() => {
        const many = Array.from({ length: 200 }, (_, n) => [`old${n}`, 'success', false]);
        localStorage.setItem('phospho-feedback', JSON.stringify(many));
        const { parse } = JSON;
        Object.assign(globalThis, { parsed: 0 });
        JSON.parse = (...input: Parameters<typeof parse>) => {
          if (input[0].startsWith('[["old')) Object.assign(globalThis, { parsed: parsed() + 1 });
          return parse(...input);
        };
        const parsed = () => (globalThis as unknown as { parsed: number }).parsed;
      }),
  });
  const parsed = () =>
    site.page.evaluate(() => (globalThis as unknown as { parsed: number }).parsed);
  expect(await parsed()).toBe(1);
  await site.widget.evaluateAll((all) => {
    for (const one of all) {
      for (const name of ['token', 'label', 'comment']) one.setAttribute(name, 'off');
      one.after(one);
    }
  });
  expect(await parsed(), 'nothing was remembered').toBe(1);
  await at(site, 7, 'up').click();
  await until(async () => expect((await states(site))[7]).toBe('failed'));
  // The click, and that it was refused, as its token had become `off`.
  expect(await parsed()).toBe(3);
});
