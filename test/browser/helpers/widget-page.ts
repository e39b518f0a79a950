import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { Phospho } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { FeedbackState, PhosphoFeedback } from '../../../src/widget/index.ts';
import { phosphoFor, SECRET } from '../../helpers/ledger.ts';
import { useBrowser } from './use-browser.ts';
import { openPage } from './witness.ts';

/** As strict as a page can be that runs scripts at all: no style-src, Trusted Types, no policy of theirs. */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/** Notes in the page what happens there, from before the first element is made. */
const WITNESS = `
// As the documentation advises, to keep the element's place.
const place = new CSSStyleSheet();
place.replaceSync('phospho-feedback:not(:defined) { display: inline-block; ' +
  'vertical-align: middle; block-size: 32px }');
document.adoptedStyleSheets = [place];
globalThis.seen = { events: [], shifts: [] };
addEventListener('phospho:flagged', ({ detail }) => seen.events.push(['flagged', detail]));
addEventListener('phospho:error', ({ detail }) => seen.events.push(['error', detail]));
new PerformanceObserver((list) => {
  for (const { value } of list.getEntries()) seen.shifts.push(value);
}).observe({ type: 'layout-shift', buffered: true });
`;

interface Seen {
  events: [kind: 'flagged' | 'error', detail: { [key: string]: unknown }][];
  shifts: number[];
}

export interface WidgetPage {
  page: Page;
  widget: Locator;
  up: Locator;
  down: Locator;
  panel: Locator;
  comment: Locator;
  send: Locator;
  close: Locator;
  retry: Locator;
  live: Locator;
  phospho: Phospho;
  /** Bodies of the flag requests, in the order of their arrival. */
  requests: { [key: string]: unknown }[];
  /** What the next requests get instead of the router's answer, the first one first. */
  answers: RequestHandler[];
  token(taskId?: string): string;
  /** What the router passed on. */
  flags(): Promise<(string | undefined)[][]>;
  seen(): Promise<Seen>;
  /** Resolves when the element is in this state. */
  becomes(state: FeedbackState): Promise<void>;
  /** `[up, down]`, as a screen reader is told. */
  pressed(): Promise<(string | null)[]>;
  set(attributes: { [name: string]: string | null }): Promise<void>;
}

type WidgetOptions = Parameters<typeof openWidget>[1];

/** Opens pages in one browser for the tests of a file; each is skipped where there is none. */
export function widgetPages(): (
  skip: (reason: string) => void,
  options?: WidgetOptions,
) => Promise<WidgetPage> {
  const browser = useBrowser();
  return (skip, options) => openWidget(browser(skip), options);
}

/**
 * A page with the element for task `t1`, served by an Express app with the real router, under a strict
 * policy. Whatever breaks that policy, is logged as an error, or rejects unheard fails the test.
 */
async function openWidget(
  browser: Browser,
  options: {
    attributes?: string;
    /** Instead of the one element for `t1`. */
    body?: (token: (taskId: string) => string) => string;
    policy?: string;
    context?: BrowserContextOptions;
    style?: string;
    clock?: boolean;
    before?: (page: Page) => Promise<unknown>;
  } = {},
): Promise<WidgetPage> {
  const exporter = new InMemoryExporter();
  const phospho = phosphoFor({ exporter, feedback: { secret: SECRET } });
  const token = (taskId = 't1') => phospho.feedbackToken(taskId);
  const attributes = options.attributes ?? `task-id="t1" token="${token()}"`;
  const requests: WidgetPage['requests'] = [];
  const answers: RequestHandler[] = [];

  const app = express();
  app.get('/', (_req, res) => {
    res
      .set('Content-Security-Policy', options.policy ?? POLICY)
      .send(`<!doctype html><html lang="en">
      <title>Chat</title><meta name="viewport" content="width=device-width">
      <meta name="color-scheme" content="light dark">
      <script src="/witness.js"></script><script type="module" src="/phospho/widget.js"></script>
      <main><h1>Chat</h1><p id="answer">Canberra.</p>
      ${options.body?.(token) ?? `<phospho-feedback ${attributes}></phospho-feedback>`}
      <p id="next">And Sydney?</p></main>`);
  });
  app.get('/witness.js', (_req, res) => void res.type('js').send(WITNESS));
  app.post('/phospho/flag', express.json(), (req, res, next) => {
    requests.push(req.body);
    (answers.shift() ?? ((_req, _res, pass) => pass()))(req, res, next);
  });
  app.use(phospho.router());
  app.post('/chat', phospho.middleware(), express.json(), (_req, res) => {
    res.json({ choices: [{ message: { role: 'assistant', content: 'Canberra.' } }] });
  });
  app.post('/unrecorded', (_req, res) => void res.json({}));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });

  // Answers that a test asks for are logged as resources that failed to load.
  const { page } = await openPage(browser, { ...options.context, refusals: true });
  if (options.clock) await page.clock.install();
  await options.before?.(page);
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

  const widget = page.locator('phospho-feedback');
  const part = (name: string) => widget.locator(`[part~="${name}"]`);
  const seen = () => page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
  await page.waitForFunction(() => customElements.get('phospho-feedback'));
  return {
    page,
    widget,
    up: part('up'),
    down: part('down'),
    panel: part('panel'),
    comment: part('comment'),
    send: part('send'),
    close: part('close'),
    retry: part('retry'),
    live: widget.locator('[role=status]'),
    phospho,
    requests,
    answers,
    token,
    seen,
    async flags() {
      await phospho.flush();
      return exporter.flags.map(({ taskId, flag, notes }) =>
        notes === undefined ? [taskId, flag] : [taskId, flag, notes],
      );
    },
    async becomes(state) {
      await page.waitForFunction(
        (wanted) => document.querySelector<PhosphoFeedback>('phospho-feedback')?.state === wanted,
        state,
        { polling: 20 },
      );
    },
    async pressed() {
      return [
        await part('up').getAttribute('aria-pressed'),
        await part('down').getAttribute('aria-pressed'),
      ];
    },
    async set(changes) {
      await widget.evaluate((element, entries) => {
        for (const [name, value] of entries) {
          if (value === null) element.removeAttribute(name);
          else element.setAttribute(name, value);
        }
      }, Object.entries(changes));
    },
  };
}

export const answerWith =
  (status: number, headers: { [name: string]: string } = {}): RequestHandler =>
  (_req, res) =>
    void res
      .status(status)
      .set(headers)
      .json({ error: { code: `c${status}`, message: 'as the test wants it' } });

/** Holds a request until it is released; then the router answers it. */
export function hold(): { handler: RequestHandler; arrived: Promise<void>; release: () => void } {
  let arrive = () => {};
  let release = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler: RequestHandler = (_req, _res, next) => {
    arrive();
    void released.then(() => next());
  };
  return { handler, arrived, release };
}
