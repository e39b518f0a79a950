import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { underColorSchemes } from './helpers/browser.ts';
import { contrastIn } from './helpers/pixels.ts';
import { answerWith, type WidgetPage, widgetPages } from './helpers/widget-page.ts';

const open = widgetPages();

/** WCAG 2.2 AA: 1.4.3 for text, 1.4.11 for what else must be seen. */
const TEXT = 4.5;
const GRAPHICS = 3;

/** Large pixels, so that strokes have some that are all ink; nothing that moves. */
const context = { deviceScaleFactor: 4, reducedMotion: 'reduce' } as const;

async function expectContrast(
  site: WidgetPage,
  name: string,
  what: Locator,
  least: number,
  grow = 0,
): Promise<void> {
  await underColorSchemes(site.page, async (scheme) => {
    const box = await what.boundingBox();
    if (!box) throw new Error(`${name} is not shown`);
    const clip = {
      x: box.x - grow,
      y: box.y - grow,
      width: box.width + 2 * grow,
      height: box.height + 2 * grow,
    };
    const { ratio, background, ink } = await contrastIn(
      site.page,
      await site.page.screenshot({ clip }),
    );
    const seen = `${name}, ${scheme}: ${ink} on ${background}`;
    expect(ratio, seen).toBeGreaterThanOrEqual(least);
  });
}

it('thumbs can be seen: idle, under the mouse, pressed, and where the focus is', async ({
  skip,
}) => {
  const site = await open(skip, { context });
  await site.set({ comment: 'off' });
  const { up, down, page } = site;
  await expectContrast(site, 'idle', up, GRAPHICS);
  await up.hover();
  await expectContrast(site, 'hovered', up, GRAPHICS);
  await page.mouse.move(0, 0);
  for (const thumb of [up, down]) {
    await thumb.click();
    await site.becomes('sent');
    await page.mouse.move(0, 0);
    await thumb.evaluate((button) => button.blur());
    await expectContrast(site, 'pressed', thumb, GRAPHICS);
  }
  // Without the thumb, the strongest colour beside the background is the ring's.
  await restyle(site, 'svg { visibility: hidden }');
  await expectContrastFails(site, up);
  for (const [name, thumb] of [
    ['of a thumb', up],
    ['of a pressed thumb', down],
  ] as const) {
    await page.keyboard.press('Tab');
    await thumb.focus();
    await expectContrast(site, `focus ring ${name}`, thumb, GRAPHICS, 3);
  }
});

function restyle({ widget }: WidgetPage, rule: string): Promise<void> {
  return widget.evaluate((element, text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    element.shadowRoot?.adoptedStyleSheets.push(sheet);
  }, rule);
}

/** What is measured is the ring: without it there is nothing. */
async function expectContrastFails(site: WidgetPage, thumb: Locator): Promise<void> {
  const { ratio } = await contrastIn(site.page, await thumb.screenshot());
  expect(ratio).toBeLessThan(1.5);
}

it('every text of the panel can be read, its box and its rings be seen', async ({ skip }) => {
  const site = await open(skip, { context, clock: true });
  const part = (name: string) => site.widget.locator(`[part~="${name}"]`);
  await site.up.click();
  await site.becomes('sent');
  await site.page.mouse.move(0, 0);
  await site.comment.fill('just what I needed');
  await expectContrast(site, 'comment', site.comment, TEXT);
  await site.comment.fill('');
  await site.close.focus();
  // The grip in its corner is darker.
  await restyle(site, 'textarea { resize: none }');
  await expectContrast(site, "the box's border", site.comment, GRAPHICS);
  for (const name of ['label', 'send', 'status']) {
    await expectContrast(site, name, part(name), TEXT);
  }
  await expectContrast(site, 'close', site.close, GRAPHICS);
  await site.page.keyboard.press('Shift+Tab');
  await expectContrast(site, 'focus ring of send', site.send, GRAPHICS, 3);

  await site.set({ comment: 'off' });
  for (let tries = 0; tries < 4; tries++) site.answers.push(answerWith(503));
  await site.down.click();
  while ((await site.live.textContent()) !== 'Could not be sent') {
    await site.page.clock.runFor(1_000);
  }
  await site.page.mouse.move(0, 0);
  await expectContrast(site, 'failed', part('label'), TEXT);
  await expectContrast(site, 'retry', site.retry, TEXT);
});
