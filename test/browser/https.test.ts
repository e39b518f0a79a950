import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { isReady } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

// Only a browser knows what it takes for a cookie whose name begins with __Host- or __Secure-.
it.for([
  ['its own', '__Host-', ''],
  ['that of an app that it is in', '__Secure-', '/tools/phospho'],
] as const)(
  'over HTTPS, on a server that is %s, a login outlives a reload, and logging out ends it',
  async ([, prefix, at], { skip }) => {
    const tls = makeCertificate();
    const isOwn = at === '';
    const collector = await createCollector({
      ...{ database: 'sqlite::memory:', port: 0 },
      ...(isOwn ? { tls } : { embedded: true }),
    });
    const server = createServer(tls, express().use(at || '/', collector.app));
    onTestFinished(async () => {
      await collector.close();
      server.close();
      server.closeAllConnections();
    });
    if (isOwn) await collector.listen();
    else await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { dashboardUrl, url } = isOwn
      ? collector
      : collector.addressesAt(`https://127.0.0.1:${(server.address() as AddressInfo).port}${at}`);

    const { page } = await openPage(browser(skip), {
      ignoreHTTPSErrors: true,
      refusals: true,
    });
    await page.goto(dashboardUrl);
    await isReady(page);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ secure: true, httpOnly: true, sameSite: 'Strict' }]);
    expect(cookies[0]?.name).toMatch(new RegExp(`^${prefix}phospho_dashboard_\\d+$`));
    await page.goto(`${url}/dashboard/p/demo/tasks`);
    await isReady(page);
    await page.getByText('Live: new tasks').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel(/token/i).waitFor();
    expect(await page.context().cookies()).toEqual([]);
  },
);
