import type { Command } from 'commander';
import { type AdminFlags, adminCommand, administer } from './administration.ts';
import { printJson } from './output.ts';

const HELP = `
The login link itself stays as it is: a restart of the collector prints another, and where you have chosen its token
yourself, choose another first. The collector may run meanwhile; an open page is told within half a minute.`;

/** `phospho-express collector logout`: for when somebody may see the dashboard no longer. */
export function logoutCommand(): Command {
  return adminCommand('logout')
    .description('Log everybody out of the dashboard.')
    .addHelpText('after', HELP)
    .action((_flags: AdminFlags, command: Command) => run(command.optsWithGlobals()));
}

async function run(flags: AdminFlags): Promise<void> {
  const logins = await administer(flags, async ({ store, actor }) => {
    // An act that cannot be noted is not done.
    await store.audit.note('', {
      actor,
      act: 'dashboard.logout',
      subject: 'dashboard',
      details: {},
    });
    return store.logins.removeAll();
  });
  if (flags.json) {
    printJson({ logins });
    return;
  }
  console.log(
    `Ended ${logins} login(s). The link still lets in; for another, restart the collector, with another ` +
      'PHOSPHO_COLLECTOR_DASHBOARD_TOKEN if you have set one.',
  );
}
