import { describe, expect, it } from 'vitest';
import { axe, underColorSchemes } from './helpers/browser.ts';
import { answerWith, hold, type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

/** Walks the element through every state there is. */
async function throughAllStates(
  site: WidgetPage,
  look: (name: string) => Promise<void>,
): Promise<void> {
  await look('idle');
  const { handler, arrived, release } = hold();
  site.answers.push(handler);
  await site.up.click();
  await arrived;
  await look('sending');
  release();
  await site.becomes('sent');
  await look('sent, with the comment panel');
  await site.comment.fill('fine');
  await site.send.click();
  await site.comment.waitFor({ state: 'hidden' });
  await look('thanked');
  await site.page.context().setOffline(true);
  await site.down.click();
  await site.becomes('waiting');
  await look('waiting');
  for (let n = 0; n < 4; n++) site.answers.push(answerWith(503, { 'retry-after': '1' }));
  const all = site.requests.length + 4;
  await site.page.context().setOffline(false);
  while (site.requests.length < all) await site.page.clock.runFor(1_000);
  await site.becomes('failed');
  await look('failed, with retry');
  site.answers.push(answerWith(401));
  await site.retry.click();
  await site.retry.waitFor({ state: 'hidden' });
  await site.becomes('failed');
  await look('refused');
}

describe('the element', () => {
  it('is accessible in every state, in light and dark', { timeout: 120_000 }, async ({ skip }) => {
    // What is fading in has less contrast than it will have.
    const site = await open(skip, { clock: true, context: { reducedMotion: 'reduce' } });
    await throughAllStates(site, (name) =>
      underColorSchemes(site.page, async (scheme) => {
        expect(await axe(site.page), `${name}, ${scheme}`).toEqual([]);
      }),
    );
  });

  it('moves nothing on the page in any state', { timeout: 60_000 }, async ({ skip }) => {
    const site = await open(skip, { clock: true });
    const boxes = async () => [
      await site.widget.boundingBox(),
      await site.widget.locator('[part=group]').boundingBox(),
      await site.up.boundingBox(),
      await site.down.boundingBox(),
      await site.page.locator('#next').boundingBox(),
    ];
    const before = await boxes();
    await throughAllStates(site, async (name) => expect(await boxes(), name).toEqual(before));
    expect((await site.seen()).shifts).toEqual([]);
  });

  it.for(['start', 'center', 'end'] as const)(
    'fits 360 px with its panel open, at the %s of a line',
    async (align, { skip }) => {
      for (const dir of ['ltr', 'rtl']) {
        const site = await open(skip, {
          context: { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true },
        });
        await site.page.evaluate(
          ([align, dir]) => {
            document.documentElement.dir = dir;
            const main = document.querySelector('main');
            if (main) main.style.textAlign = align;
          },
          [align, dir] as const,
        );
        await site.up.tap();
        await site.becomes('sent');
        const box = await site.panel.boundingBox();
        expect(box?.width).toBeGreaterThanOrEqual(288);
        expect(box?.x).toBeGreaterThanOrEqual(0);
        expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360);
        const [scroll, client] = await site.page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return [scrollWidth, clientWidth];
        });
        expect(scroll).toBe(client);
      }
    },
  );

  it('keeps its open panel in a window that becomes narrower', async ({ skip }) => {
    const site = await open(skip, { context: { viewport: { width: 1000, height: 640 } } });
    await site.page.evaluate(() => {
      const main = document.querySelector('main');
      if (main) main.style.textAlign = 'end';
    });
    await site.up.click();
    await site.becomes('sent');
    for (const width of [400, 320, 900]) {
      await site.page.setViewportSize({ width, height: 640 });
      await expect
        .poll(
          async () => {
            const box = await site.panel.boundingBox();
            return box !== null && box.x >= 0 && box.x + box.width <= width;
          },
          { message: `at ${width} px` },
        )
        .toBe(true);
    }
  });

  it('has targets of 32 px for a mouse and 44 px for a finger', async ({ skip }) => {
    for (const [hasTouch, side] of [
      [false, 32],
      [true, 44],
    ] as const) {
      const site = await open(skip, { context: { hasTouch, isMobile: hasTouch } });
      await site.up.click();
      for (const target of [site.up, site.down, site.send, site.close]) {
        const box = await target.boundingBox();
        expect(box?.width).toBeGreaterThanOrEqual(side);
        expect(box?.height).toBeGreaterThanOrEqual(side);
      }
    }
  });

  it('does not move for those who asked for reduced motion', async ({ skip }) => {
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      const site = await open(skip, { context: { reducedMotion } });
      const { handler, arrived, release } = hold();
      site.answers.push(handler);
      await site.up.click();
      await arrived;
      const animations = await site.widget.evaluate(
        (element) => element.shadowRoot?.getAnimations().length,
      );
      if (reducedMotion === 'reduce') expect(animations).toBe(0);
      else expect(animations).toBeGreaterThan(0);
      release();
    }
  });

  it('shows where the focus is, and a pressed thumb also without colours', async ({ skip }) => {
    const site = await open(skip, { context: { forcedColors: 'active' } });
    const style = (property: string) =>
      site.up.evaluate((button, name) => getComputedStyle(button).getPropertyValue(name), property);
    const fill = () => site.up.locator('svg').evaluate((icon) => getComputedStyle(icon).fill);
    const idle = await fill();
    await site.page.keyboard.press('Tab');
    expect(await style('outline-style')).toBe('solid');
    await site.page.keyboard.press('Space');
    expect(await fill()).not.toBe(idle);
  });

  it('takes colours and sizes from the page', async ({ skip }) => {
    const site = await open(skip);
    await site.widget.evaluate((element) => {
      for (const [name, value] of [
        ['--phospho-size', '24px'],
        ['--phospho-color', 'rgb(1, 2, 3)'],
        ['--phospho-up', 'rgb(4, 5, 6)'],
        ['--phospho-background', 'rgb(7, 8, 9)'],
      ] as const) {
        element.style.setProperty(name, value);
      }
    });
    const color = (name: 'up' | 'down' | 'panel', property: string) =>
      site[name].evaluate((part, key) => getComputedStyle(part).getPropertyValue(key), property);
    expect((await site.up.locator('svg').boundingBox())?.width).toBe(24);
    expect((await site.up.boundingBox())?.width).toBe(38);
    await site.up.click();
    expect(await color('up', 'color')).toBe('rgb(4, 5, 6)');
    expect(await color('down', 'color')).toBe('rgb(1, 2, 3)');
    expect(await color('panel', 'background-color')).toBe('rgb(7, 8, 9)');
  });
});
