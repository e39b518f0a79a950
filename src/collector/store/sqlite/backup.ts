import { PhosphoConfigError, PhosphoError } from '../../../errors.ts';
import { describeError } from '../../../internal/hooks.ts';
import type { NativeDriver } from './native.ts';
import { openDriver } from './open-sqlite.ts';

/** Milliseconds to wait for another process that has locked the file whole. */
const BUSY_MS = 10_000;

/**
 * Copies a database as it is at this moment into a file that is empty, while others write: on a connection of its own,
 * which reads only. The copy has no free space, and what was deleted is not in it, though the search of the source may
 * still have its words. It blocks this process.
 *
 * @throws PhosphoConfigError where the source is no database of a collector, PhosphoError where the copy is damaged
 */
export async function copySqlite(source: string, target: string): Promise<{ tasks: number }> {
  const from = await openDriver(source);
  try {
    assertOurs(from, source);
    from.prepare(`pragma busy_timeout = ${BUSY_MS}`).all([]);
    from.prepare('vacuum into ?').run([target]);
  } finally {
    from.close();
  }
  const copy = await openDriver(target);
  try {
    scrub(copy);
    const [first] = copy.prepare('pragma integrity_check').all([]) as { integrity_check: string }[];
    if (first?.integrity_check !== 'ok') {
      throw new PhosphoError(
        `the copy is damaged, as the database may be: ${first?.integrity_check}`,
      );
    }
    const [counted] = copy.prepare('select count(*) as tasks from tasks').all([]);
    return counted as { tasks: number };
  } finally {
    copy.close();
  }
}

/** What `Remains` does in small steps, at once: nobody else uses the copy, and one that fails is thrown away. */
function scrub(copy: NativeDriver): void {
  const [remains] = copy.prepare('pragma user_version').all([]) as { user_version: number }[];
  if (remains?.user_version === 0) return;
  copy.prepare('pragma journal_mode = off').all([]);
  copy.prepare('pragma secure_delete = on').all([]);
  copy.prepare("insert into task_search (task_search) values ('optimize')").run([]);
  copy.prepare('pragma user_version = 0').run([]);
}

function assertOurs(driver: NativeDriver, path: string): void {
  try {
    driver.prepare('select name from kysely_migration limit 1').all([]);
    driver.prepare('select id from tasks limit 1').all([]);
  } catch (cause) {
    throw new PhosphoConfigError(
      `${path} is no database of a collector (${describeError(cause)}). Give its own: --database sqlite:<path>`,
      { cause },
    );
  }
}
