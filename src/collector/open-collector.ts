import express from 'express';
import { GuardedLogger } from '../internal/logger.ts';
import { RunningCollector } from './collector.ts';
import { buildApp, type ExpressModule } from './http/app.ts';
import { TaskWaiters } from './model/task-waiters.ts';
import type { CollectorOptions } from './options.ts';
import { resolveOptions } from './resolve-options.ts';
import { openStore } from './store/kysely-store.ts';

/**
 * The composition root: options, database, app. The project's key is still to be settled.
 *
 * @param expressModule - another version of Express, for our tests
 */
export async function openCollector(
  given: CollectorOptions,
  expressModule: ExpressModule = express,
): Promise<RunningCollector> {
  const options = resolveOptions(given);
  const store = await openStore(options.path);
  const waiters = new TaskWaiters(options.flagWaitMs);
  const app = buildApp(expressModule, {
    store,
    waiters,
    publicFlags: options.publicFlags,
    host: options.host,
    allowedHosts: options.allowedHosts,
    maxBodyBytes: options.maxBodyBytes,
    logger: new GuardedLogger(options.logger, 'warn'),
  });
  const { host, port, apiKey, project: projectId } = options;
  return new RunningCollector({ app, store, waiters, apiKey, projectId, host, port });
}
