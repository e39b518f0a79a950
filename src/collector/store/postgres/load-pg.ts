import type * as pg from 'pg';
import { PhosphoConfigError } from '../../../errors.ts';

/** What of the package pg is used. */
export type Pg = Pick<typeof pg, 'Client' | 'Pool' | 'types'>;

/**
 * Loads node-postgres, the optional peer for collectors over PostgreSQL.
 *
 * @throws PhosphoConfigError with the line to install it, where it is missing
 */
export async function loadPg(): Promise<Pg> {
  try {
    const module = (await import('pg')) as unknown as Pg & { default?: Pg };
    return module.default ?? module;
  } catch (cause) {
    throw new PhosphoConfigError(
      'database names a PostgreSQL, and the package pg, which speaks with one, cannot be loaded. ' +
        'Install it: npm install pg',
      { cause },
    );
  }
}
