import { describe, expect, it } from 'vitest';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const table = (columns: number, rows: number): string =>
  `${'|a'.repeat(columns)}\n${'|-'.repeat(columns)}\n${'|\n'.repeat(rows)}`;

/** Small texts of which a page could make minutes of work, or hundreds of thousands of elements. */
const COSTLY: readonly (readonly [string, string])[] = [
  ['a table that is filled up to its width', table(300, 1000)],
  ['a wide table in a quotation', table(2500, 3000).replace(/^/gm, '> ')],
  ['emphasis that opens and never closes', '_a*'.repeat(6600)],
  ['quotations in quotations', '>'.repeat(19_000)],
  ['lists in lists', '* - '.repeat(4900)],
  ['headings one after the other', 'a\n-\n'.repeat(4900)],
];

describe('a page stays usable', () => {
  it.for(COSTLY)(
    'with %s, alone and fifty times in a session',
    { timeout: 60_000 },
    async ([, output], { skip }) => {
      const events = Array.from({ length: 50 }, (_, index) => ({
        task_id: `t${index}`,
        session_id: 's',
        input: `question ${index}`,
        output,
      }));
      const { page, visit } = await openDashboard(browser(skip), { events });
      page.setDefaultTimeout(10_000);
      await visit('tasks/t0');
      await page.getByRole('button', { name: 'Thumb up' }).click();
      await page.getByText('Saved', { exact: true }).waitFor();
      await visit('sessions/s');
      expect(await page.locator('.exchange').count()).toBe(50);
      expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(60_000);
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
    },
  );

  it('with arguments of a tool that are nested five thousand times', async ({ skip }) => {
    const json = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const { page, visit } = await openDashboard(browser(skip), {
      events: [
        {
          task_id: 't',
          input: 'x',
          output: 'the answer',
          metadata: { tool_calls: [{ name: 'search', arguments: json }] },
        },
      ],
    });
    await visit('tasks/t');
    await page.getByText('the answer').waitFor();
    await page.getByText('[[[[[[').waitFor();
  });

  it('with messages and metadata by the ten thousands, and says what is left out', async ({
    skip,
  }) => {
    const metadata = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key${n}`, n]));
    const content = Array.from({ length: 20_000 }, (_, n) => ({ type: 'text', text: `${n}` }));
    const raw_input = { messages: [{ role: 'user', content }] };
    const { page, visit } = await openDashboard(browser(skip), {
      events: [{ task_id: 't', input: '1', output: 'y', metadata, raw_input }],
    });
    await visit('tasks/t');
    await page.getByText('19.9 k more are in the raw JSON.').waitFor();
    await page.getByText(/^4,8\d\d more are in the raw JSON\.$/).waitFor();
  });
});

it('a table, emphasis and a list of usual size are shown as such', async ({ skip }) => {
  const output = `${'| a | b | c |\n'.repeat(2).replace(/a|b|c/g, (cell, at) => (at > 13 ? '-' : cell))}${'| **x** | _y_ | z |\n'.repeat(60)}\n- one\n- two`;
  const { page, visit } = await openDashboard(browser(skip), {
    events: [{ task_id: 't', session_id: 's', input: 'x', output }],
  });
  for (const path of ['tasks/t', 'sessions/s']) {
    await visit(path);
    expect(await page.locator('.markdown td').count()).toBe(180);
    expect(await page.locator('.markdown strong').count()).toBe(60);
    expect(await page.locator('.markdown li').count()).toBe(2);
  }
});
