import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

const POLL = { timeout: 5_000 };
const FOREIGN = 'https://elsewhere.example';

/** The page that this script has been put into, as if a defence before the policy had failed. */
async function servedWith(page: Page, intruder: string): Promise<void> {
  await page.route('**/dashboard/p/**', async (route) => {
    if (route.request().resourceType() !== 'document') return await route.fallback();
    const response = await route.fetch();
    const body = (await response.text()).replace('<div id="app">', `${intruder}$&`);
    await route.fulfill({ response, body });
  });
}

const INTRUDERS: { [refusal: string]: string } = {
  'script-src-elem inline': '<script>pwned("inline")</script>',
  [`script-src-elem ${FOREIGN}/x.js`]: `<script src="${FOREIGN}/x.js"></script>`,
  'script-src-attr inline': '<img src="x" onerror="pwned(1)" alt="">',
  'style-src-elem inline': '<style>main{display:none}</style>',
  'style-src-attr inline': '<b style="color:red">x</b>',
  [`style-src-elem ${FOREIGN}/x.css`]: `<link rel="stylesheet" href="${FOREIGN}/x.css">`,
  [`img-src ${FOREIGN}/x.png`]: `<img src="${FOREIGN}/x.png" alt="">`,
  [`frame-src ${FOREIGN}`]: `<iframe src="${FOREIGN}/"></iframe>`,
  [`media-src ${FOREIGN}/x.mp4`]: `<video src="${FOREIGN}/x.mp4"></video>`,
  [`object-src ${FOREIGN}`]: `<object data="${FOREIGN}/x"></object>`,
  [`base-uri ${FOREIGN}`]: `<base href="${FOREIGN}/">`,
};

it('nothing that has got into the page runs, styles it or is loaded', async ({ skip }) => {
  const site = await openDashboard(browser(skip));
  await servedWith(site.page, Object.values(INTRUDERS).join(''));
  const loaded = new Set<string>();
  site.page.on('requestfinished', (request) => loaded.add(new URL(request.url()).origin));
  await site.visit('tasks');
  const refused = () =>
    Object.keys(INTRUDERS).filter((refusal) =>
      site.faults.some((fault) => fault.startsWith(`policy: ${refusal}`)),
    );
  await expect.poll(refused, POLL).toEqual(Object.keys(INTRUDERS));
  expect(site.faults.filter((fault) => fault.startsWith('ran: '))).toEqual([]);
  expect([...loaded]).toEqual([site.collector.url]);
  site.faults.length = 0;
});

it('what a script of the page might be tricked into is refused too', async ({ skip }) => {
  const site = await openDashboard(browser(skip));
  const { page, faults } = site;
  const attempts: [refusal: string, attempt: (foreign: string) => unknown][] = [
    // biome-ignore lint/security/noGlobalEval: it is what must be refused
    ['require-trusted-types-for trusted-types-sink eval|', () => globalThis.eval('pwned("eval")')],
    [
      'require-trusted-types-for trusted-types-sink Function|',
      () => new Function('pwned("Function")')(),
    ],
    [
      'require-trusted-types-for trusted-types-sink Element innerHTML|',
      () => {
        document.body.innerHTML = '<img src=x onerror=pwned(1)>';
      },
    ],
    [
      'trusted-types trusted-types-policy',
      () => (globalThis as never as { trustedTypes: TrustedTypes }).trustedTypes.createPolicy('x'),
    ],
    [`connect-src ${FOREIGN}`, (foreign) => fetch(foreign)],
    [`connect-src ${FOREIGN}`, (foreign) => navigator.sendBeacon(foreign, 'x')],
    [
      `form-action ${FOREIGN}`,
      (foreign) => {
        const form = Object.assign(document.createElement('form'), { action: foreign });
        document.body.append(form);
        form.submit();
      },
    ],
  ];
  await site.visit('overview');
  for (const [refusal, attempt] of attempts) {
    faults.length = 0;
    await page.evaluate(
      `setTimeout(() => Promise.resolve().then(() => (${attempt})("${FOREIGN}/")).catch(() => {}))`,
    );
    await expect.poll(() => faults.join('\n'), POLL).toContain(`policy: ${refusal}`);
    expect(faults.filter((fault) => fault.startsWith('ran: '))).toEqual([]);
  }
  expect(page.url()).toBe(`${site.collector.url}/dashboard/p/demo/overview`);
  faults.length = 0;
});

interface TrustedTypes {
  createPolicy(name: string): unknown;
}
