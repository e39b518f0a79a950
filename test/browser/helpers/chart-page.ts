/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Locator, Page } from 'playwright-core';
import { type DashboardPage, openDashboard } from './dashboard-page.ts';

interface Tick {
  text: string;
  /** CSS pixels from the chart's left and top. */
  x: number;
  y: number;
}

/** Keeps what a chart writes on its canvas, from the last time that it was wiped on. */
const NOTES_TEXTS = `{
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
  Object.assign(CanvasRenderingContext2D.prototype, {
    clearRect(...place) {
      this.canvas.noted = [];
      return clearRect.apply(this, place);
    },
    fillText(text, x, y, ...more) {
      const tick = { text, x: x / devicePixelRatio, y: y / devicePixelRatio };
      (this.canvas.noted ??= []).push({ ...tick, axis: this.textAlign === 'center' ? 'x' : 'y' });
      return fillText.call(this, text, x, y, ...more);
    },
  });
}`;

/** The overview of these events, at this time of the browser's clock and in its zone. */
export async function openOverview(
  browser: Parameters<typeof openDashboard>[0],
  options: Parameters<typeof openDashboard>[1] & { now: string },
): Promise<DashboardPage & { visitRange: (range: string) => Promise<void> }> {
  const { now, ...rest } = options;
  const site = await openDashboard(browser, rest);
  await site.page.clock.setFixedTime(new Date(now));
  await site.page.addInitScript(NOTES_TEXTS);
  const visitRange = async (range: string) => {
    await site.visit(`overview?range=${range}`);
    await site.page.locator('.u-over, .chart-empty').first().waitFor();
  };
  return { ...site, visitRange };
}

export function chartOf(page: Page, title: string): Locator {
  return page.locator('.chart-card', { has: page.getByRole('heading', { name: title }) });
}

/** The texts of one axis, from left to right or from the bottom up. */
export async function ticksOf(chart: Locator, axis: 'x' | 'y'): Promise<Tick[]> {
  const ticks = await chart.locator('canvas').evaluate((canvas, axis) => {
    const { noted } = canvas as unknown as { noted: (Tick & { axis: string })[] };
    return noted.filter((tick) => tick.axis === axis && tick.text !== '');
  }, axis);
  return ticks.sort((a, b) => (axis === 'x' ? a.x - b.x : b.y - a.y));
}

interface Tooltip {
  title: string;
  values: Record<string, string>;
}

/** What the tooltip says with the pointer so many CSS pixels from the chart's left. */
export async function tooltipAt(chart: Locator, x: number): Promise<Tooltip> {
  const plot = chart.locator('.chart-plot');
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  await chart.page().mouse.move((box?.x ?? 0) + x, (box?.y ?? 0) + 60);
  return await chart.evaluate(readTooltip);
}

/** The tooltips of all columns, from left to right. */
export async function tooltipsOf(chart: Locator, columns: number): Promise<Tooltip[]> {
  const area = chart.locator('.u-over');
  await area.scrollIntoViewIfNeeded();
  const { x = 0, y = 0, width = 0 } = (await area.boundingBox()) ?? {};
  const tooltips: Tooltip[] = [];
  for (let index = 0; index < columns; index++) {
    await chart.page().mouse.move(x + (width * (index + 0.5)) / columns, y + 50);
    tooltips.push(await chart.evaluate(readTooltip));
  }
  return tooltips;
}

/** Runs in the page. */
async function readTooltip(card: Element): Promise<Tooltip> {
  await new Promise(requestAnimationFrame);
  const [title, ...lines] = card.querySelectorAll('.chart-tooltip p');
  const values = lines.map((line) => {
    const value = line.querySelector('b')?.textContent ?? '';
    return [(line.textContent ?? '').slice(0, -value.length), value];
  });
  return { title: title?.textContent ?? '', values: Object.fromEntries(values) };
}

interface Stretch {
  x: number;
  width: number;
  height: number;
}

/** Where a colour token is seen on the canvas, from left to right, in CSS pixels. */
export async function stretchesOf(chart: Locator, token: string): Promise<Stretch[]> {
  return await chart.locator('canvas').evaluate((element, token) => {
    const canvas = element as unknown as HTMLCanvasElement;
    const probe = document.createElement('span');
    probe.style.color = `var(--${token})`;
    document.body.append(probe);
    const colour = [...(getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number), 255];
    probe.remove();
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, width, height) ?? { data: [] };
    const rowsOf = (x: number): number[] =>
      Array.from({ length: height }, (_, y) => y).filter((y) =>
        colour.every((part, index) => data[(y * width + x) * 4 + index] === part),
      );
    const found: { left: number; right: number; top: number; bottom: number }[] = [];
    for (let x = 0; x < width; x++) {
      const rows = rowsOf(x);
      if (rows.length === 0) continue;
      const seen = { left: x, right: x + 1, top: Math.min(...rows), bottom: Math.max(...rows) + 1 };
      const last = found.at(-1);
      // Its edges blend with what lies below.
      if (last === undefined || x - last.right > 2) found.push(seen);
      else {
        last.right = seen.right;
        last.top = Math.min(last.top, seen.top);
        last.bottom = Math.max(last.bottom, seen.bottom);
      }
    }
    return found.map(({ left, right, top, bottom }) => ({
      x: left / devicePixelRatio,
      width: (right - left) / devicePixelRatio,
      height: (bottom - top) / devicePixelRatio,
    }));
  }, token);
}
