import { Command } from 'commander';
import {
  createKey,
  DEFAULT_GRACE_MS,
  type KeysOf,
  MAX_GRACE_MS,
  revokeKey,
  rotateKey,
} from '../../collector/admin/keys.ts';
import { type ShownKey, shownKey } from '../../collector/admin/shown.ts';
import { keyId } from '../../collector/model/api-key.ts';
import { DEFAULT_SCOPES } from '../../collector/model/scopes.ts';
import type { KeyRecord } from '../../collector/store/store.ts';
import { type AdminFlags, adminCommand, administer, type Work } from './administration.ts';
import { assertProject, projectOption } from './database.ts';
import { expiryOf, integerOf, misused, scopesOf } from './inputs.ts';
import { printJson, printKey, secondsOf, table } from './output.ts';

interface Flags extends AdminFlags {
  name?: string;
  scopes?: string;
  expires?: string;
  grace?: string;
}

const EXPIRES = 'a duration like 90d, 12h or 30m, a date or time in ISO 8601, or never';
const QUIET: [string, string] = ['--quiet', 'write nothing but the key'];

/** `phospho-express collector keys …`: who may use a project. */
export function keysCommand(): Command {
  return new Command('keys')
    .description('List, make, rotate and revoke the API keys of a project.')
    .addCommand(
      adminCommand('list')
        .addOption(projectOption())
        .description('List the keys: all but those that are revoked.')
        .action((_flags: Flags, command: Command) => list(command.optsWithGlobals())),
    )
    .addCommand(
      adminCommand('create')
        .addOption(projectOption())
        .description('Make a key, and write it to the standard output, this once.')
        .option('--name <text>', 'for people: who has it')
        .option('--scopes <list>', 'what it may do: read, write, admin; default read,write')
        .option('--expires <when>', `${EXPIRES}; default never`)
        .option(...QUIET)
        .action((_flags: Flags, command: Command) => create(command.optsWithGlobals())),
    )
    .addCommand(
      adminCommand('rotate')
        .addOption(projectOption())
        .description('Put a new key, with the same name and scopes, in the place of one.')
        .argument('<key id>', 'as `keys list` shows it')
        .option(
          '--grace <ms>',
          `how long the old one still works, 0 to ${MAX_GRACE_MS}; default ${DEFAULT_GRACE_MS}, a day`,
        )
        .option('--expires <when>', `${EXPIRES}; default as long from now on as the old one had`)
        .option(...QUIET)
        .action((id: string, _flags: Flags, command: Command) =>
          rotate(id, command.optsWithGlobals()),
        ),
    )
    .addCommand(
      adminCommand('revoke')
        .addOption(projectOption())
        .description('Revoke a key: running collectors refuse it at once.')
        .argument('<key id>', 'as `keys list` shows it')
        .action((id: string, _flags: Flags, command: Command) =>
          revoke(id, command.optsWithGlobals()),
        ),
    );
}

async function list(flags: Flags): Promise<void> {
  const keys = await inProject(flags, async ({ store, projectId }) =>
    (await store.keys.list(projectId)).map(shownKey),
  );
  if (flags.json) {
    printJson(keys);
    return;
  }
  const heads = ['ID', 'NAME', 'SCOPES', 'ENDS IN', 'CREATED', 'EXPIRES', 'LAST USED'];
  console.log(table(heads, keys.map(rowOf)));
}

function rowOf(key: ShownKey): string[] {
  const expires = secondsOf(key.expires_at, 'never');
  return [
    key.id,
    key.name,
    key.scopes.join(','),
    `…${key.last4}`,
    secondsOf(key.created_at),
    key.replaced_by === null ? expires : `${expires} (replaced by ${key.replaced_by})`,
    secondsOf(key.last_used_at, 'never'),
  ];
}

async function create(flags: Flags): Promise<void> {
  const wish = {
    name: nameOf(flags.name ?? ''),
    scopes: flags.scopes === undefined ? DEFAULT_SCOPES : scopesOf(flags.scopes),
    expiresAt: flags.expires === undefined ? null : expiryOf(flags.expires),
  };
  const { key, plain } = await inProject(flags, (work) => createKey(keysOf(work), wish));
  printKey(plain, `${described(key)}.`, flags, shownKey(key));
}

async function rotate(id: string, flags: Flags): Promise<void> {
  const graceMs =
    flags.grace === undefined
      ? DEFAULT_GRACE_MS
      : integerOf('--grace', flags.grace, 0, MAX_GRACE_MS);
  const expiresAt = flags.expires === undefined ? undefined : expiryOf(flags.expires);
  const { key, plain, old } = await inProject(flags, (work) =>
    rotateKey(keysOf(work), id, { graceMs, expiresAt }),
  );
  const until =
    old.revokedAt === null
      ? `works until ${secondsOf(old.expiresAt)}`
      : 'is revoked, and works no more';
  const said = `${described(key)}, in the place of ${id}, which ${until}.`;
  printKey(plain, said, flags, { ...shownKey(key), old: shownKey(old) });
}

async function revoke(id: string, flags: Flags): Promise<void> {
  const key = await inProject(flags, (work) => revokeKey(keysOf(work), id));
  if (flags.json) {
    printJson(shownKey(key));
    return;
  }
  console.log(
    `Revoked ${id}${key.name === '' ? '' : ` (${key.name})`} of project ${key.projectId}.`,
  );
}

function keysOf({ store, projectId, actor }: Work): KeysOf {
  return { keys: store.keys, projectId, actor };
}

function described(key: KeyRecord): string {
  const name = key.name === '' ? '' : ` (${key.name})`;
  const expires = key.expiresAt === null ? '' : `, expires ${secondsOf(key.expiresAt)}`;
  return `${keyId(key)}${name} of project ${key.projectId}, scopes ${key.scopes.join(', ')}${expires}`;
}

/** As the API takes it. */
export function nameOf(text: string): string {
  if (text.length <= 128 && !/[\p{Cc}\p{Surrogate}]/u.test(text)) return text;
  throw misused('--name', 'at most 128 characters, none of them a control character', text);
}

/** @throws PhosphoConfigError also where there is no such project */
function inProject<T>(flags: Flags, work: (work: Work) => Promise<T>): Promise<T> {
  return administer(flags, async (here) => {
    await assertProject(here.store, here.projectId);
    return work(here);
  });
}
