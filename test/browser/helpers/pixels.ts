import type { Page } from 'playwright-core';

/** The ratio of WCAG 2 between the background of a picture and the strongest colour that is drawn on it. */
export interface Contrast {
  ratio: number;
  background: number[];
  ink: number[];
}

/**
 * Measures a screenshot (PNG): what is transparent or mixed by the page is then as users see it. The most
 * frequent colour is the background; of the others, one that fills fewer than `least` pixels is the edge of
 * something, which screens draw softer.
 */
export async function contrastIn(page: Page, png: Buffer, least = 12): Promise<Contrast> {
  // A page of its own: the one under test may not make pictures, as its policy wants it.
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate(measure, { base64: png.toString('base64'), least });
  } finally {
    await blank.close();
  }
}

async function measure({ base64, least }: { base64: string; least: number }): Promise<Contrast> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  if (!context) throw new Error('no canvas');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const color = data.slice(at, at + 3).join();
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const luminance = (color: number[]): number => {
    const [red = 0, green = 0, blue = 0] = color.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const often = [...counts].filter(([, count]) => count >= least).sort(([, a], [, b]) => b - a);
  const [background = [0, 0, 0], ...inks] = often.map(([color]) => color.split(',').map(Number));
  let best: Contrast = { ratio: 1, background, ink: background };
  for (const ink of inks) {
    const [low = 0, high = 0] = [luminance(ink), luminance(background)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio > best.ratio) best = { ratio, background, ink };
  }
  return best;
}
