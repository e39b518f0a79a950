import type { Command } from 'commander';
import { shownAct } from '../../collector/admin/shown.ts';
import { type AdminFlags, adminCommand, administer } from './administration.ts';
import { assertProject } from './database.ts';
import { integerOf } from './inputs.ts';
import { printJson, table, timeOf } from './output.ts';

interface Flags extends AdminFlags {
  limit?: string;
  before?: string;
}

const DEFAULT_ROWS = 50;
const MAX_ROWS = 10_000;

/** `phospho-express collector audit`: who has administered what. */
export function auditCommand(): Command {
  return adminCommand('audit')
    .description('List administrative acts, newest first.')
    .option('--project <id>', 'on what; default all projects')
    .option('--limit <number>', `how many, 1 to ${MAX_ROWS}; default ${DEFAULT_ROWS}`)
    .option('--before <id>', 'only those before the act of this id, for the next page')
    .action((_flags: Flags, command: Command) => list(command.optsWithGlobals()));
}

async function list(flags: Flags): Promise<void> {
  const limit =
    flags.limit === undefined ? DEFAULT_ROWS : integerOf('--limit', flags.limit, 1, MAX_ROWS);
  const { before, project } = flags;
  const acts = await administer(flags, async ({ store }) => {
    if (project !== undefined) await assertProject(store, project);
    return (await store.audit.list(project, { before, limit })).map(shownAct);
  });
  if (flags.json) {
    printJson(acts);
    return;
  }
  const rows = acts.map(({ at_ms, project_id, actor, act, subject, details }) => [
    ...[timeOf(at_ms), project_id ?? '', actor, act, subject, JSON.stringify(details)],
  ]);
  console.log(table(['TIME', 'PROJECT', 'ACTOR', 'ACT', 'SUBJECT', 'DETAILS'], rows));
  if (acts.length === limit) console.error(`There may be more: --before ${acts.at(-1)?.id ?? ''}`);
}
