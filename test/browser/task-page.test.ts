import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const T0 = 1_790_000_000_000;

const task = (more: object = {}) => ({
  task_id: 't',
  session_id: 's',
  input: 'the question',
  output: 'the answer',
  ...more,
});

const step = (name: string, from: number, to: number, more: object = {}) => ({
  name,
  started_at: T0 + from,
  duration_ms: to - from,
  outcome: 'complete',
  ...more,
});

/** What a list of facts says, by its labels. */
function factsOf(page: Page, name: string): Promise<{ [label: string]: string }> {
  return page
    .getByRole('region', { name, exact: true })
    .evaluate((region) =>
      Object.fromEntries(
        [...region.querySelectorAll('dt')].map((label) => [
          label.textContent,
          label.nextElementSibling?.textContent ?? '',
        ]),
      ),
    );
}

async function openFold(page: Page, title: string) {
  const fold = page.locator('details').filter({ has: page.getByText(title, { exact: true }) });
  await fold.locator('summary').click();
  return fold.locator('.disclosure-body');
}

describe('the steps of a task', () => {
  it('stand over round times', async ({ skip }) => {
    const expected = [
      [1, 1, ['0', '1 ms']],
      [870, 200, ['0', '200 ms', '400 ms', '600 ms', '800 ms']],
      [1_000, 200, ['0', '200 ms', '400 ms', '600 ms', '800 ms', '1 s']],
      [1_001, 500, ['0', '500 ms', '1 s']],
      [47_000, 10_000, ['0', '10 s', '20 s', '30 s', '40 s']],
      [100_000, 30_000, ['0', '30 s', '1 min', '1.5 min']],
      [1_000_000, 300_000, ['0', '5 min', '10 min', '15 min']],
    ] as const;
    const { visit, page } = await openDashboard(browser(skip), {
      events: expected.map(([length]) =>
        task({ task_id: `t${length}`, metadata: { steps: [step('all', 0, length)] } }),
      ),
    });
    for (const [length, distance, labels] of expected) {
      await visit(`tasks/t${length}`);
      const ticks = page.locator('.step-axis span');
      expect(await ticks.allTextContents()).toEqual(labels);
      const places = await ticks.evaluateAll((all) =>
        all.map((tick) => Number.parseFloat((tick as HTMLElement).style.left)),
      );
      for (const [index, place] of places.entries()) {
        expect(place).toBeCloseTo((index * distance * 100) / length);
      }
    }
  });

  it('have bars where their times say, the inner ones too', async ({ skip }) => {
    const steps = [
      step('search', 0, 500, {
        steps: [
          step('embed', 100, 150),
          step('query', 150, 500, { steps: [step('parse', 480, 500)] }),
        ],
      }),
      step('model', 500, 900),
      step('instant', 750, 750),
      step('save', 900, 1_000),
    ];
    const { visit, page } = await openDashboard(browser(skip), {
      events: [task({ metadata: { steps } })],
    });
    await visit('tasks/t');
    const drawn = await page.locator('.step-row').evaluateAll((rows) =>
      rows.map((row) => {
        const track = row.querySelector('.step-track')?.getBoundingClientRect();
        const bar = row.querySelector('.step-bar')?.getBoundingClientRect();
        const percent = (length = 0) => Math.round((length / (track?.width ?? 1)) * 100);
        return [
          row.querySelector('.step-name')?.textContent,
          percent((bar?.left ?? 0) - (track?.left ?? 0)),
          percent(bar?.width),
          row.querySelector('.step-duration')?.textContent,
        ];
      }),
    );
    expect(drawn).toEqual([
      ['search', 0, 50, '500 ms'],
      ['embed', 10, 5, '50 ms'],
      ['query', 15, 35, '350 ms'],
      ['parse', 48, 2, '20 ms'],
      ['model', 50, 40, '400 ms'],
      ['instant', 75, expect.closeTo(0, -1), '0 ms'],
      ['save', 90, 10, '100 ms'],
    ]);
    const widthOfInstant = page.locator('.step-row', { hasText: 'instant' }).locator('.step-bar');
    expect((await widthOfInstant.boundingBox())?.width).toBe(3);
  });

  it('tell what went in and out, and what went wrong', async ({ skip }) => {
    const steps = [
      step('search', 0, 500, { input: { query: 'tea' }, output: ['green', 'black'] }),
      step('model', 500, 900, { outcome: 'error', error: 'out of tokens' }),
    ];
    const { visit, page } = await openDashboard(browser(skip), {
      events: [task({ metadata: { steps } })],
    });
    await visit('tasks/t');
    const row = (name: string) => page.locator('.step-row').filter({ hasText: name });
    await row('search').click();
    expect(await page.locator('.step-detail dd').allTextContents()).toEqual([
      JSON.stringify({ query: 'tea' }, null, 2),
      JSON.stringify(['green', 'black'], null, 2),
    ]);
    await row('search').click();
    await row('model').click();
    expect(await page.locator('.step-detail dt').allTextContents()).toEqual([
      'Error',
      'Input',
      'Output',
    ]);
    expect(await page.locator('.step-detail dd').allTextContents()).toEqual([
      'out of tokens',
      '–',
      '–',
    ]);
  });
});

it('the raw JSON is all that the API knows, shown and copied', async ({ skip }) => {
  const { visit, page, get, login } = await openDashboard(browser(skip), {
    events: [
      task({
        output: '# Not\n\n<b>rendered</b> "here"',
        raw_input: { messages: [{ role: 'user', content: 'the question' }] },
        raw_output: { choices: [] },
        flag: 'success',
        metadata: {
          steps: Array.from({ length: 400 }, (_, index) =>
            step(`step ${index}`, index, index + 1, { input: `in ${index}` }),
          ),
          nothing: null,
        },
      }),
    ],
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await login().expect(204);
  const { body } = await get('/projects/demo/tasks/t').expect(200);
  await visit('tasks/t');
  const raw = await openFold(page, 'Raw JSON');
  await raw.getByRole('button', { name: 'Copy' }).click();
  await raw.getByRole('button', { name: 'Copied' }).waitFor();
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual(body.task);
  await raw.getByRole('button', { name: /^Show all/ }).click();
  const pieces = await raw.locator('.plain').allTextContents();
  expect(pieces.length).toBeGreaterThan(1);
  expect(JSON.parse(pieces.join('\n'))).toEqual(body.task);
});

it('a copy that the browser forbids is said to have failed', async ({ skip }) => {
  const { visit, page } = await openDashboard(browser(skip), { events: [task()] });
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden'));
  });
  await visit('tasks/t');
  const raw = await openFold(page, 'Raw JSON');
  await raw.getByRole('button', { name: 'Copy' }).click();
  await raw.getByRole('button', { name: 'Select and copy by hand' }).waitFor();
});

it('facts are told with links to their like, and the rest of the metadata beside them', async ({
  skip,
}) => {
  const { visit, page } = await openDashboard(browser(skip), {
    locale: 'en-US',
    events: [
      task({
        user_id: 'ada',
        version_id: 'v2',
        test_id: 'test-7',
        environment: 'staging',
        model: 'gpt-4o',
        prompt_tokens: 12,
        completion_tokens: 3_456,
        metadata: {
          route: '/ask',
          latency_ms: 1_240,
          outcome: 'aborted',
          plan: 'gold',
          region: { name: 'eu', zone: 3 },
          steps: [],
        },
      }),
    ],
  });
  await visit('tasks/t');
  const { Time, ...facts } = await factsOf(page, 'Facts');
  expect(Time).toMatch(/\d{4}/);
  expect(facts).toEqual({
    Outcome: 'Aborted',
    Model: 'gpt-4o',
    Route: '/ask',
    Latency: '1.24 s',
    Tokens: '12 in · 3,456 out',
    Session: 's',
    User: 'ada',
    Version: 'v2',
    Environment: 'staging',
    Test: 'test-7',
    Id: 't',
  });
  expect(await factsOf(page, 'Metadata')).toEqual({
    plan: 'gold',
    region: JSON.stringify({ name: 'eu', zone: 3 }, null, 2),
  });
  const links = page.getByRole('region', { name: 'Facts' }).getByRole('link');
  const addresses = await links.evaluateAll((all) =>
    all.map((link) => (link as HTMLAnchorElement).href.replace(/.*\/demo\//, '')),
  );
  expect(addresses).toEqual([
    'tasks?model=gpt-4o',
    'tasks?route=%2Fask',
    'sessions/s',
    'tasks?user=ada',
    'tasks?version=v2',
  ]);
});

it('the conversation is shown: system prompt, messages, tool calls, reasoning, error, answer', async ({
  skip,
}) => {
  const { visit, page } = await openDashboard(browser(skip), {
    events: [
      task({
        raw_input: {
          messages: [
            { role: 'system', content: 'Be **brief**.' },
            { role: 'user', content: 'Hello' },
            { role: 'user', content: 'Which tea?' },
            {
              role: 'assistant',
              content: null,
              tool_calls: [{ id: 'call-1', function: { name: 'shelf', arguments: '{"row":4}' } }],
            },
            { role: 'tool', content: 'green, black' },
            { role: 'user', content: 'the question' },
          ],
        },
        output: 'Take **green** tea.',
        metadata: {
          reasoning: 'It is late.',
          error: 'stopped early',
          tool_calls: [{ id: 'call-2', name: 'brew', arguments: { minutes: 2 } }],
        },
      }),
    ],
  });
  await visit('tasks/t');
  const messages = page.locator('.conversation article');
  const said = async () =>
    (await messages.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim());
  const answer =
    'Assistant Plain text stopped early Reasoning Take green tea. brew call-2 { "minutes": 2 }';
  expect(await said()).toEqual(['Tool green, black', 'User the question', answer]);
  await page.getByRole('button', { name: '3 earlier messages' }).click();
  expect(await said()).toEqual([
    'User Hello',
    'User Which tea?',
    'Assistant shelf call-1 { "row": 4 }',
    'Tool green, black',
    'User the question',
    answer,
  ]);
  expect(await (await openFold(page, 'System prompt')).textContent()).toBe('Be **brief**.');
  expect(await (await openFold(page, 'Reasoning')).textContent()).toBe('It is late.');
});

it('a system prompt is shown where only the metadata has it', async ({ skip }) => {
  const { visit, page } = await openDashboard(browser(skip), {
    events: [task({ output: null, metadata: { system_prompt: 'Be polite.' } })],
  });
  await visit('tasks/t');
  expect(await (await openFold(page, 'System prompt')).textContent()).toBe('Be polite.');
  await page.getByText('No output was recorded.').waitFor();
});

it('an answer is rendered, and as plain text it is what the model wrote', async ({ skip }) => {
  const output = '# Tea\n\nTake **green** tea.';
  const { visit, page } = await openDashboard(browser(skip), { events: [task({ output })] });
  await visit('tasks/t');
  const answer = page.locator('.message.assistant .message-body');
  expect(await answer.locator('strong').textContent()).toBe('green');
  const toggle = page.getByRole('button', { name: 'Plain text' });
  await toggle.click();
  expect(await toggle.getAttribute('aria-pressed')).toBe('true');
  expect(await answer.textContent()).toBe(output);
  await toggle.click();
  expect(await answer.locator('strong').textContent()).toBe('green');
});

it('a verdict is saved with its note, and the newest one is first', async ({ skip }) => {
  const { visit, page, get, login } = await openDashboard(browser(skip), {
    events: [task({ flag: 'success', notes: 'from the user' })],
  });
  await login().expect(204);
  await visit('tasks/t');
  const note = page.getByLabel(/^Note/);
  const verdicts = async () =>
    (await page.locator('.verdicts li').allInnerTexts()).map((text) =>
      text.replace(/\s+/g, ' ').replace(/just now|\d+s ago/, 'now'),
    );
  for (const [verdict, text] of [
    ['Thumb down', 'wrong tea'],
    ['Thumb down', 'and cold'],
    ['Thumb up', '  warm now  '],
  ] as const) {
    await note.fill(text);
    await page.getByRole('button', { name: verdict }).click();
    await page.locator('.verdicts li').first().getByText(text.trim(), { exact: true }).waitFor();
    expect(await note.inputValue()).toBe('');
  }
  expect((await verdicts()).slice(0, 3)).toEqual([
    'Thumb up Team now warm now',
    'Thumb down Team now and cold',
    'Thumb down Team now wrong tea',
  ]);
  const { body } = await get('/projects/demo/tasks/t').expect(200);
  expect(body.task).toMatchObject({ flag: 'success', notes: 'warm now' });
  const pressed = page.getByRole('button', { name: /^Thumb/, pressed: true });
  expect(await pressed.allTextContents()).toEqual(['Thumb up']);
});

it('the same verdict again is not saved without a note, and a refusal is told', async ({
  skip,
}) => {
  const site = await openDashboard(browser(skip), { events: [task()], refusals: true });
  const { page } = site;
  await site.visit('tasks/t');
  const up = page.getByRole('button', { name: 'Thumb up' });
  await up.click();
  await page.getByText('Saved', { exact: true }).waitFor();
  await up.click();
  await page.getByText('This is the verdict already.').waitFor();
  expect(await page.locator('.verdicts li').count()).toBe(1);
  await page.route('**/flag', (route) =>
    route.fulfill({ status: 503, json: { detail: 'The disk is full.' } }),
  );
  await page.getByLabel(/^Note/).fill('kept');
  await page.getByRole('button', { name: 'Thumb down' }).click();
  await page.getByText('Not saved: The disk is full.').waitFor();
  expect(await page.getByLabel(/^Note/).inputValue()).toBe('kept');
  expect(await up.getAttribute('aria-pressed')).toBe('true');
});
