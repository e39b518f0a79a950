/** The local phospho: the HTTP API with an embedded database, or over PostgreSQL. `npx phospho-express collector` runs it. */

import type { Collector } from './collector.ts';
import { openCollector } from './open-collector.ts';
import type { CollectorOptions } from './options.ts';

export type { AuditLogEntry } from './admin/audit-log.ts';
export type { Collector, CollectorAddresses } from './collector.ts';
export type { RequestLogEntry } from './http/observe.ts';
export type { JudgeOptions } from './judge/options.ts';
export type { TlsOptions } from './network/certificate.ts';
export type { CollectorOptions } from './options.ts';

/**
 * Opens the database, brings its schema up to date, sees to the project's key, and makes the server. Call
 * `listen()` to serve, `close()` at the end. An event is acknowledged after it is on disk.
 *
 * @throws PhosphoConfigError (ERR_PHOSPHO_CONFIG) for an option out of its range, a database that cannot be
 * opened, or a missing driver: it says what to do
 * @example
 * ```ts
 * const collector = await createCollector({ database: 'sqlite::memory:', port: 0 });
 * await collector.listen();
 * const phospho = new Phospho({
 *   baseUrl: collector.baseUrl,
 *   apiKey: collector.apiKey,
 *   projectId: collector.projectId,
 * });
 * await collector.close();
 * ```
 */
export async function createCollector(options: CollectorOptions = {}): Promise<Collector> {
  const collector = await openCollector(options);
  try {
    await collector.settleKey({ renew: false });
  } catch (error) {
    await collector.close();
    throw error;
  }
  return collector;
}
