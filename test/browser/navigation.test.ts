import { expect, it } from 'vitest';
import { openDashboard } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';

const browser = useBrowser();

it('from page to page the focus is on the heading, and the title tells where one is', async ({
  skip,
}) => {
  const { visit, page } = await openDashboard(browser(skip), {
    events: [
      {
        task_id: 't',
        session_id: 's',
        input: `How long does ${'very '.repeat(20)}green tea steep?`,
      },
    ],
  });
  await visit('overview');
  const long = `How long does ${'very '.repeat(20)}`.slice(0, 60);
  const steps: [link: RegExp, heading: string, title: string][] = [
    [/^Tasks$/, 'Tasks', 'Tasks'],
    [/^How long/, 'Task', `${long}… · Task`],
    [/^Tasks$/, 'Tasks', 'Tasks'],
    [/^Sessions$/, 'Sessions', 'Sessions'],
    [/^How long/, 'Session', `${long}… · Session`],
    [/^Task of/, 'Task', `${long}… · Task`],
    [/^phospho$/, 'Overview', 'Overview'],
  ];
  const focused = () =>
    page.evaluate(
      () => `${document.activeElement?.localName} ${document.activeElement?.textContent}`,
    );
  for (const [link, heading, title] of steps) {
    await page.getByRole('link', { name: link }).last().click();
    await expect.poll(focused).toBe(`h1 ${heading}`);
    await expect.poll(() => page.title()).toBe(`${title} · demo · phospho`);
  }
  await page.goBack();
  await expect.poll(focused).toBe('h1 Task');
  await expect.poll(() => page.title()).toBe(`${long}… · Task · demo · phospho`);
});

it('pages outside of a project have titles of their own', async ({ skip }) => {
  const { page, collector } = await openDashboard(browser(skip), { refusals: true });
  await page.goto(`${collector.url}/dashboard/p/other/tasks`);
  await expect.poll(() => page.title()).toBe('Not found · phospho');
  await page.goto(collector.dashboardUrl);
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect.poll(() => page.title()).toBe('Log in · phospho');
});
