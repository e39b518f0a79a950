import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  chartOf,
  openOverview,
  stretchesOf,
  ticksOf,
  tooltipAt,
  tooltipsOf,
} from './helpers/chart-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

let ids = 0;

/** Tasks at a time with its zone. */
const tasksAt = (time: string, amount: number, more: object = {}) =>
  Array.from({ length: amount }, () => ({
    task_id: `t${ids++}`,
    input: 'question',
    created_at: Date.parse(time) / 1000,
    ...more,
  }));

const withLatency = (time: string, ms: number, amount = 1) =>
  tasksAt(time, amount, { metadata: { latency_ms: ms } });

/** So many days up to this one, as the charts write them. */
function daysUpTo(last: string, amount: number): string[] {
  const format = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const end = Date.parse(`${last}T12:00Z`);
  return Array.from({ length: amount }, (_, index) =>
    format.format(end - (amount - 1 - index) * 86_400_000),
  );
}

const texts = (ticks: { text: string }[]) => ticks.map(({ text }) => text);

describe('a day is the reader’s own', () => {
  const TICKS = {
    spring: ['Mar 10', 'Mar 14', 'Mar 18', 'Mar 22', 'Mar 26', 'Mar 30', 'Apr 3', 'Apr 7'],
    // The first column starts at half past midnight, so its midnight is not on the axis.
    half: ['Mar 11', 'Mar 15', 'Mar 19', 'Mar 23', 'Mar 27', 'Mar 31', 'Apr 4', 'Apr 8'],
    autumn: ['Oct 1', 'Oct 5', 'Oct 9', 'Oct 13', 'Oct 17', 'Oct 21', 'Oct 25', 'Oct 29'],
  };

  it.for([
    ['UTC', '+00:00', '+00:00', TICKS.spring],
    ['Asia/Kolkata', '+05:30', '+05:30', TICKS.half],
    ['America/St_Johns', '-02:30', '-02:30', TICKS.half],
    ['Europe/Berlin', '+01:00', '+02:00', TICKS.spring],
  ] as const)(
    'in %s, also beyond a change of the clocks',
    async ([zone, before, after, ticks], { skip }) => {
      const site = await openOverview(browser(skip), {
        timezoneId: zone,
        now: '2026-04-08T10:00Z',
        events: [
          ...tasksAt(`2026-03-27T12:00${before}`, 1),
          ...tasksAt(`2026-03-28T23:00${before}`, 2),
          ...tasksAt(`2026-03-29T01:00${before}`, 3),
          ...tasksAt(`2026-03-29T23:00${after}`, 4),
          ...tasksAt(`2026-03-30T01:00${after}`, 5),
          ...tasksAt(`2026-04-08T01:00${after}`, 6),
        ],
      });
      await site.visitRange('30d');
      const chart = chartOf(site.page, 'Tasks');
      const shown = await ticksOf(chart, 'x');
      expect(texts(shown)).toEqual(ticks);
      // What a tick says begins at its right.
      for (const { text, x } of shown.slice(0, 3))
        expect((await tooltipAt(chart, x + 4)).title).toBe(text);

      const tooltips = await tooltipsOf(chart, 30);
      expect(tooltips.map(({ title }) => title)).toEqual(daysUpTo('2026-04-08', 30));
      const busy = tooltips.filter(({ values }) => values.Tasks !== '0');
      expect(busy.map(({ title, values }) => [title, values.Tasks])).toEqual([
        ['Mar 27', '1'],
        ['Mar 28', '2'],
        ['Mar 29', '7'],
        ['Mar 30', '5'],
        ['Apr 8', '6'],
      ]);
    },
  );

  it('of 25 hours, where the clocks go back', async ({ skip }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'Europe/Berlin',
      now: '2026-10-30T10:00Z',
      events: [
        ...tasksAt('2026-10-25T00:30+02:00', 1),
        ...tasksAt('2026-10-25T23:30+01:00', 2),
        ...tasksAt('2026-10-24T23:30+02:00', 4),
        ...tasksAt('2026-10-26T00:30+01:00', 8),
      ],
    });
    await site.visitRange('30d');
    const chart = chartOf(site.page, 'Tasks');
    expect(texts(await ticksOf(chart, 'x'))).toEqual(TICKS.autumn);
    const tooltips = await tooltipsOf(chart, 30);
    expect(tooltips.map(({ title }) => title)).toEqual(daysUpTo('2026-10-30', 30));
    const busy = tooltips.filter(({ values }) => values.Tasks !== '0');
    expect(busy.map(({ title, values }) => [title, values.Tasks])).toEqual([
      ['Oct 24', '4'],
      ['Oct 25', '3'],
      ['Oct 26', '8'],
    ]);
  });

  it('and its midnight has its name among hours, at half past an hour of UTC too', async ({
    skip,
  }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'Asia/Kolkata',
      now: '2026-03-18T10:20Z',
      events: tasksAt('2026-03-18T00:40+05:30', 3),
    });
    await site.visitRange('24h');
    const chart = chartOf(site.page, 'Tasks');
    expect(texts(await ticksOf(chart, 'x'))).toEqual([
      ...['06:00 PM', '09:00 PM', 'Mar 18', '03:00 AM', '06:00 AM', '09:00 AM', '12:00 PM'],
      '03:00 PM',
    ]);
    const tooltips = await tooltipsOf(chart, 24);
    expect(tooltips.at(-1)?.title).toBe('Mar 18, 03:30 PM – 04:30 PM');
    expect(tooltips.filter(({ values }) => values.Tasks === '3')).toMatchObject([
      { title: 'Mar 18, 12:30 AM – 01:30 AM' },
    ]);
    await site.visitRange('7d');
    expect(texts(await ticksOf(chart, 'x'))).toEqual(daysUpTo('2026-03-18', 7));
    expect((await tooltipsOf(chart, 28)).at(-1)?.title).toBe('Mar 18, 12:30 PM – 06:30 PM');
  });

  it('and tomorrow is not on the axis', async ({ skip }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'UTC',
      now: '2026-03-18T10:20Z',
      events: tasksAt('2026-03-18T10:00Z', 1),
    });
    await site.visitRange('90d');
    expect(texts(await ticksOf(chartOf(site.page, 'Tasks'), 'x'))).toEqual([
      ...['Dec 19', 'Jan 3', 'Jan 18', 'Feb 2', 'Feb 17', 'Mar 4'],
    ]);
  });
});

describe('the figures are what was logged', () => {
  const NOW = '2026-03-18T10:20Z';

  interface Group {
    time: string;
    model?: string;
    route?: string;
    success: number;
    failure: number;
    errors: number;
    prompt: number;
    completion: number;
    /** One for each task. All of them are middles of a histogram's bucket, so that they are shown exactly. */
    latencies: number[];
  }

  const GROUPS: Group[] = [
    {
      ...{ time: '2026-03-18T09:30Z', model: 'gpt-4o', route: '/chat' },
      ...{ success: 5, failure: 1, errors: 3, prompt: 107, completion: 13 },
      latencies: [122, 135, 141, 156, 172, 181, 528],
    },
    {
      ...{ time: '2026-03-18T05:30Z', model: 'claude', route: '/ask' },
      ...{ success: 1, failure: 3, errors: 1, prompt: 211, completion: 37 },
      latencies: [254, 280, 324, 903],
    },
    {
      ...{ time: '2026-03-17T20:30Z', model: 'gpt-4o', route: '/ask' },
      ...{ success: 2, failure: 0, errors: 1, prompt: 59, completion: 401 },
      latencies: [83, 743],
    },
  ];

  const events = GROUPS.flatMap((group) =>
    group.latencies.flatMap((latency_ms, index) => {
      const { success, failure, errors, model, route } = group;
      return tasksAt(group.time, 1, {
        model,
        flag: index < success ? 'success' : index < success + failure ? 'failure' : undefined,
        prompt_tokens: group.prompt,
        completion_tokens: group.completion,
        metadata: { latency_ms, route, outcome: index < errors ? 'error' : 'complete' },
      });
    }),
  );

  function figuresOf(groups: Group[]) {
    const sum = (read: (group: Group) => number) =>
      groups.reduce((total, group) => total + read(group), 0);
    const latencies = groups.flatMap((group) => group.latencies).sort((a, b) => a - b);
    const percentile = (share: number) => latencies[Math.ceil(latencies.length * share) - 1];
    return {
      tasks: latencies.length,
      errors: sum(({ errors }) => errors),
      success: sum(({ success }) => success),
      failure: sum(({ failure }) => failure),
      p50: percentile(0.5),
      p95: percentile(0.95),
      prompt: sum(({ prompt, latencies: { length } }) => prompt * length),
      completion: sum(({ completion, latencies: { length } }) => completion * length),
    };
  }

  const whole = (value: number) => value.toLocaleString('en');
  const optionalMs = (value: number | undefined) => (value === undefined ? '–' : `${value} ms`);
  const share = (part: number, all: number) =>
    (part / all).toLocaleString('en', { style: 'percent', maximumFractionDigits: 1 });

  async function open(opened: ReturnType<typeof browser>): Promise<Page> {
    const site = await openOverview(opened, { timezoneId: 'UTC', now: NOW, events });
    await site.visitRange('24h');
    return site.page;
  }

  it('as totals', async ({ skip }) => {
    const page = await open(browser(skip));
    const all = figuresOf(GROUPS);
    // Else two of them could change places unseen.
    expect(new Set(Object.values(all)).size).toBe(8);
    const { tasks, errors, success, failure, p50, p95, prompt, completion } = all;
    const judged = success + failure;
    const tiles = page.locator('.tile');
    expect(await tiles.locator('dt').allInnerTexts()).toEqual([
      ...['Tasks', 'Success rate', 'Errors', 'Latency', 'Tokens'],
    ]);
    expect(await tiles.locator('.tile-value').allTextContents()).toEqual([
      whole(tasks),
      share(success, judged),
      whole(errors),
      `${p50} ms`,
      whole(prompt + completion),
    ]);
    expect(await tiles.locator('.tile-note').allTextContents()).toEqual([
      '',
      `of ${judged} with a thumb`,
      `${share(errors, tasks)} of tasks`,
      `p50 · p95 ${p95} ms`,
      `${whole(prompt)} in · ${whole(completion)} out`,
    ]);
    const summaries = page.locator('.chart-plot');
    expect(
      await summaries.evaluateAll((plots) => plots.map((plot) => plot.getAttribute('aria-label'))),
    ).toEqual([
      `Tasks over time. Tasks ${tasks}, Errors ${errors}.`,
      `Feedback over time. Thumbs up ${success}, Thumbs down ${failure}.`,
      `Latency over time. p50 ${p50} ms, p95 ${p95} ms.`,
      `Tokens over time. Input ${whole(prompt)}, Output ${whole(completion)}.`,
    ]);
    for (const [title, values] of [
      ['Tasks', [tasks, errors]],
      ['Feedback', [success, failure]],
      ['Latency', [`${p50} ms`, `${p95} ms`]],
      ['Tokens', [whole(prompt), whole(completion)]],
    ] as const) {
      const legend = chartOf(page, title).locator('.legend b');
      expect(await legend.allTextContents()).toEqual(values.map(String));
    }
  });

  it('column by column', async ({ skip }) => {
    const page = await open(browser(skip));
    const columns = new Map(
      [9, 18, 22].map((column, index) => [column, GROUPS.toReversed()[index]]),
    );
    const valuesOf: Record<string, (figures: ReturnType<typeof figuresOf>) => object> = {
      Tasks: ({ tasks, errors }) => ({ Tasks: whole(tasks), Errors: whole(errors) }),
      Feedback: ({ success, failure }) => ({
        'Thumbs up': whole(success),
        'Thumbs down': whole(failure),
      }),
      Latency: ({ p50, p95 }) => ({ p50: optionalMs(p50), p95: optionalMs(p95) }),
      Tokens: ({ prompt, completion }) => ({ Input: whole(prompt), Output: whole(completion) }),
    };
    for (const [title, values] of Object.entries(valuesOf)) {
      const tooltips = await tooltipsOf(chartOf(page, title), 24);
      expect(tooltips[23]?.title).toBe('Mar 18, 10:00 AM – 11:00 AM');
      for (const [index, tooltip] of tooltips.entries()) {
        const group = columns.get(index);
        const expected = values(figuresOf(group ? [group] : []));
        expect([index, tooltip.values]).toEqual([index, expected]);
      }
    }
  });

  it.for([
    ['Models', 'model', ['gpt-4o', 'claude']],
    ['Routes', 'route', ['/chat', '/ask']],
  ] as const)('in the table of %s', async ([title, key, names], { skip }) => {
    const page = await open(browser(skip));
    const table = page.locator('section', { has: page.getByRole('heading', { name: title }) });
    const rows = await table
      .locator('tbody tr')
      .evaluateAll((lines) =>
        lines.map((line) => Array.from(line.children, (cell) => cell.textContent?.trim() ?? '')),
      );
    expect(rows).toEqual(
      names.map((name) => {
        const figures = figuresOf(GROUPS.filter((group) => group[key] === name));
        return [
          name,
          whole(figures.tasks),
          share(figures.success, figures.success + figures.failure),
          whole(figures.errors),
          `${figures.p50} ms`,
          `${figures.p95} ms`,
          whole(figures.prompt + figures.completion),
        ];
      }),
    );
  });
});

describe('the latency chart', () => {
  const NOW = '2026-03-18T10:20Z';

  it('shows values that stand alone as dots, however many, and none that do not', async ({
    skip,
  }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'UTC',
      now: NOW,
      events: [
        ...withLatency('2026-03-17T11:30Z', 500),
        ...withLatency('2026-03-17T18:30Z', 700),
        ...withLatency('2026-03-18T01:30Z', 900),
        ...withLatency('2026-03-18T10:10Z', 600),
      ],
    });
    await site.visitRange('24h');
    const chart = chartOf(site.page, 'Latency');
    const dots = await stretchesOf(chart, 'chart-2');
    expect(dots).toHaveLength(4);
    for (const { width, height } of dots) {
      for (const size of [width, height]) {
        expect(size).toBeGreaterThanOrEqual(4);
        expect(size).toBeLessThanOrEqual(8);
      }
    }
    const shown = [];
    for (const { x, width } of dots) shown.push(await tooltipAt(chart, x + width / 2));
    expect(shown.map(({ values }) => values.p95)).toEqual(['503 ms', '708 ms', '903 ms', '611 ms']);

    await site.log(...withLatency('2026-03-17T19:30Z', 700));
    const second = async () => (await stretchesOf(chart, 'chart-2'))[1];
    // A line from one column to the next.
    await expect.poll(async () => (await second())?.width, { timeout: 10_000 }).toBeGreaterThan(15);
    expect((await second())?.height).toBeLessThanOrEqual(3);
  });

  it.for([
    [9, ['0 ms', '5 ms', '10 ms']],
    [1_700, ['0 ms', '500 ms', '1 s', '1.5 s']],
    [45_000, ['0 ms', '15 s', '30 s', '45 s']],
    [95_000, ['0 ms', '30 s', '1 min', '1.5 min']],
    [5_400_000, ['0 ms', '30 min', '1 h', '1.5 h']],
  ] as const)('of %d ms has ticks at round times', async ([ms, expected], { skip }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'UTC',
      now: NOW,
      events: withLatency('2026-03-18T09:30Z', ms, 3),
    });
    await site.visitRange('24h');
    const ticks = await ticksOf(chartOf(site.page, 'Latency'), 'y');
    expect(texts(ticks)).toEqual(expected);
    // Evenly, to the pixel: so what the first and the last say is true of all.
    const [bottom = 0, next = 0] = ticks.map(({ y }) => y);
    for (const [index, { y }] of ticks.entries())
      expect(Math.abs(bottom - y - index * (bottom - next))).toBeLessThanOrEqual(ticks.length);
  });

  it('of latencies that are all 0 is not empty', async ({ skip }) => {
    const site = await openOverview(browser(skip), {
      timezoneId: 'UTC',
      now: NOW,
      events: withLatency('2026-03-18T09:30Z', 0, 3),
    });
    await site.visitRange('24h');
    const chart = chartOf(site.page, 'Latency');
    expect(await chart.locator('.legend b').allTextContents()).toEqual(['0 ms', '0 ms']);
    expect(await stretchesOf(chart, 'chart-2')).toHaveLength(1);
  });
});

it('a range without a task says so in every chart, and has no tables', async ({ skip }) => {
  const site = await openOverview(browser(skip), {
    timezoneId: 'UTC',
    now: '2026-03-18T10:20Z',
    events: withLatency('2026-03-01T09:30Z', 100),
  });
  await site.visitRange('7d');
  const { page } = site;
  expect(await page.locator('.tile-value').allTextContents()).toEqual(['0', '–', '0', '–', '0']);
  expect(await page.locator('.chart-empty').allTextContents()).toEqual([
    'No tasks in this time',
    'No thumbs in this time',
    'No latencies in this time',
    'No tokens in this time',
  ]);
  expect(await page.locator('canvas, table').count()).toBe(0);
});

it('a tooltip does not outlive the columns that it was read from', async ({ skip }) => {
  const site = await openOverview(browser(skip), {
    timezoneId: 'UTC',
    now: '2026-03-18T10:20Z',
    events: withLatency('2026-03-18T09:30Z', 100),
  });
  await site.visitRange('30d');
  const { page } = site;
  const chart = chartOf(page, 'Tasks');
  const { title } = await tooltipAt(chart, 200);
  expect(title).toBe('Feb 26');
  const shown = await chart.evaluateHandle((card) => {
    const titles = new Set<string>();
    new MutationObserver(() => {
      titles.add(card.querySelector('.chart-tooltip p')?.textContent ?? 'none');
    }).observe(card, { subtree: true, childList: true, characterData: true });
    return titles;
  });
  // By the keyboard, so that the pointer stays.
  await page.getByRole('link', { name: 'Last 90 days' }).press('Enter');
  await expect.poll(async () => texts(await ticksOf(chart, 'x'))).toContain('Jan 18');
  expect(await shown.evaluate((titles) => [...titles])).toEqual(['none']);
  expect((await tooltipAt(chart, 201)).title).toBe('Jan 17');
});
