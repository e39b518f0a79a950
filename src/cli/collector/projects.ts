import { Command } from 'commander';
import { createProject, knownProject } from '../../collector/admin/projects.ts';
import { type ShownProject, shownProject } from '../../collector/admin/shown.ts';
import { DEFAULT_SCOPES } from '../../collector/model/scopes.ts';
import type { ProjectRecord } from '../../collector/store/store.ts';
import { PhosphoConfigError } from '../../errors.ts';
import type { JsonObject } from '../../types.ts';
import { type AdminFlags, adminCommand, administer } from './administration.ts';
import { misused } from './inputs.ts';
import { nameOf } from './keys.ts';
import { printJson, printKey, secondsOf, table } from './output.ts';

interface Flags extends AdminFlags {
  name?: string;
  withKey?: boolean;
}

const SETTINGS: [string, string] = ['[settings...]', 'name=value; null unsets'];

const SETTINGS_HELP = `
Settings, which come before the collector's options; 0 is no limit, or keeps all:
  requests_per_minute, events_per_minute, events_per_day   beyond these: 429
  retention_days, retention_bytes                          older tasks, or the oldest, are deleted`;

/** `phospho-express collector projects …`: which there are, and how they are set up. */
export function projectsCommand(): Command {
  return new Command('projects')
    .description('List, make and set up projects.')
    .addCommand(
      adminCommand('list')
        .description('List all projects.')
        .action((_flags: Flags, command: Command) => list(command.optsWithGlobals())),
    )
    .addCommand(
      adminCommand('create')
        .description('Make a project, and the database if it is a file that is not there.')
        .argument('<id>', '1 to 128 letters, digits, ".", "_" or "-", but not "." or ".."')
        .argument(...SETTINGS)
        .option('--name <text>', 'for people; default its id')
        .option('--with-key', 'make a key that reads and writes, and write it to standard output')
        .option('--quiet', 'write nothing but the key')
        .addHelpText('after', SETTINGS_HELP)
        .action((id: string, settings: string[], _flags: Flags, command: Command) =>
          create(id, settings, command.optsWithGlobals()),
        ),
    )
    .addCommand(
      adminCommand('show')
        .description('Show a project and its settings.')
        .argument('<id>', 'as `projects list` shows it')
        .action((id: string, _flags: Flags, command: Command) =>
          show(id, command.optsWithGlobals()),
        ),
    )
    .addCommand(
      adminCommand('set')
        .description('Rename a project, or change its settings.')
        .argument('<id>', 'as `projects list` shows it')
        .argument(...SETTINGS)
        .option('--name <text>', 'for people')
        .addHelpText('after', SETTINGS_HELP)
        .action((id: string, settings: string[], _flags: Flags, command: Command) =>
          set(id, settings, command.optsWithGlobals()),
        ),
    );
}

const PAGE_ROWS = 1000;

async function list(flags: Flags): Promise<void> {
  const projects = await administer(flags, async ({ store }) => {
    const found: ProjectRecord[] = [];
    for (;;) {
      const page = await store.projects.list({ after: found.at(-1)?.id, limit: PAGE_ROWS });
      found.push(...page);
      if (page.length < PAGE_ROWS) return found.map(shownProject);
    }
  });
  if (flags.json) {
    printJson(projects);
    return;
  }
  const rows = projects.map(({ id, project_name, created_at, settings }) => [
    ...[id, project_name, secondsOf(created_at), JSON.stringify(settings)],
  ]);
  console.log(table(['ID', 'NAME', 'CREATED', 'SETTINGS'], rows));
}

async function create(id: string, given: string[], flags: Flags): Promise<void> {
  const { PROJECT } = await import('../../collector/resolve-options.ts');
  if (!PROJECT.pattern.test(id)) throw misused('the id of a project', PROJECT.takes, id);
  const settings = await settingsOf(given);
  const name = nameOf(flags.name ?? id);
  const wish = flags.withKey
    ? { name: 'first', scopes: DEFAULT_SCOPES, expiresAt: null }
    : undefined;
  const { plain, project } = await administer(
    flags,
    async ({ store, actor }) => ({
      plain: await createProject(store.projects, { id, name, settings }, wish, actor),
      project: knownProject(id, await store.projects.read(id)),
    }),
    { mustExist: false },
  );
  if (plain !== undefined)
    printKey(plain, `Project ${id} is made, and has its first key.`, flags, project);
  else if (flags.json) printJson(project);
  else if (!flags.quiet) console.log(`Project ${id} is made.`);
}

async function show(id: string, flags: Flags): Promise<void> {
  const project = await administer(flags, async ({ store }) =>
    knownProject(id, await store.projects.read(id)),
  );
  tell(project, flags);
}

async function set(id: string, given: string[], flags: Flags): Promise<void> {
  if (given.length === 0 && flags.name === undefined)
    throw new PhosphoConfigError('projects set takes --name, or settings as name=value; none came');
  const settings = given.length === 0 ? undefined : await settingsOf(given);
  const name = flags.name === undefined ? undefined : nameOf(flags.name);
  const project = await administer(flags, async ({ store, actor }) =>
    knownProject(id, await store.projects.change(id, { name, settings }, actor)),
  );
  tell(project, flags);
}

function tell(project: ShownProject, flags: Flags): void {
  if (flags.json) {
    printJson(project);
    return;
  }
  const { id, project_name, created_at, settings } = project;
  const rows = [
    ['name', project_name],
    ['created', secondsOf(created_at)],
    ...Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)]),
  ];
  console.log(table(['project', id], rows));
}

/** The settings that were given, as the API checks them. */
async function settingsOf(given: readonly string[]): Promise<JsonObject> {
  const change: JsonObject = {};
  for (const text of given) {
    const [, name, value] = /^([a-z][a-z0-9_]*)=(.*)$/is.exec(text) ?? [];
    if (name === undefined || value === undefined) throw misused('a setting', 'name=value', text);
    change[name] = valueIn(value);
  }
  const { settingsChange } = await import('../../collector/inputs/admin.ts');
  const { error } = settingsChange.safeParse(change);
  if (error === undefined) return change;
  const [
    {
      path: [name = ''],
      message,
    } = { path: [], message: '' },
  ] = error.issues;
  const came = JSON.stringify(change[String(name)]);
  throw new PhosphoConfigError(`the setting ${String(name)} is refused: ${message}; ${came} came`);
}

function valueIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
