import express from 'express';
import { GuardedLogger } from '../internal/logger.ts';
import { auditLogOf } from './admin/audit-log.ts';
import { buildApp, type ExpressModule } from './app.ts';
import { RunningCollector } from './collector.ts';
import { Dashboard } from './dashboard/dashboard.ts';
import { makeLoginToken } from './dashboard/login.ts';
import { requestLogOf } from './http/request-log.ts';
import { UnderWay } from './http/under-way.ts';
import { Judge } from './judge/judge.ts';
import { FailedKeys } from './limits/failed-keys.ts';
import { Limits } from './limits/limits.ts';
import { Meter } from './metrics/meter.ts';
import { timedStore } from './metrics/timed-store.ts';
import { Changes } from './model/changes.ts';
import { KeyUses } from './model/key-uses.ts';
import { TaskWaiters } from './model/task-waiters.ts';
import { loadCertificate } from './network/certificate.ts';
import type { CollectorOptions } from './options.ts';
import { Folder } from './otlp/folder.ts';
import { resolveOptions } from './resolve-options.ts';
import { placeOf } from './store/database.ts';
import type { Follower } from './store/news.ts';
import { openStore } from './store/open-store.ts';
import { Upkeep } from './upkeep/upkeep.ts';

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
  // Before the database is made or brought up to date.
  const tls = options.tls && { options: options.tls, certificate: loadCertificate(options.tls) };
  const changes = new Changes();
  const logger = new GuardedLogger(options.logger, 'warn');
  const meter = new Meter();
  const waiters = new TaskWaiters(options.flagWaitMs);
  const follower: Follower = {
    projects: () => new Set([...changes.projects, ...waiters.projects]),
    changed: (projectId) => changes.note(projectId),
    administered: auditLogOf(options.auditLog, logger),
    changedElsewhere: (projectId) => {
      changes.note(projectId);
      waiters.look(projectId, (taskIds) => store.tasks.known(projectId, taskIds));
    },
  };
  const opened = await openStore(options.database, follower, (message) =>
    logger.say('warn', message),
  );
  const store = timedStore(opened, meter);
  const keyUses = new KeyUses(store.keys, logger);
  const judge = options.judge && new Judge(options.judge, logger);
  const loginToken = options.dashboardToken ?? makeLoginToken();
  const dashboard = new Dashboard({
    store,
    changes,
    loginToken,
    defaultProject: options.project,
  });
  const folder = new Folder(store.spans, waiters, logger);
  folder.wakeIn(0);
  const failedKeys = new FailedKeys(options.limits.failedKeysPerMinute, meter);
  const upkeep = new Upkeep({ store, logger, meter, retention: options.retention });
  const underWay = new UnderWay();
  const app = buildApp(expressModule, {
    store,
    waiters,
    folder,
    upkeep,
    publicFlags: options.publicFlags,
    host: options.host,
    behindProxy: options.behindProxy,
    embedded: options.embedded,
    underWay,
    allowedHosts: options.allowedHosts,
    maxBodyBytes: options.maxBodyBytes,
    logger,
    dashboard,
    judge,
    meter,
    limits: new Limits(store, options.limits, meter),
    failedKeys,
    metricsToken: options.metricsToken,
    adminToken: options.adminToken,
    keyUses,
    gauges: () => ({ heldFlags: waiters.size, liveStreams: dashboard.liveStreams }),
    requestLog: requestLogOf(options.requestLog, logger),
  });
  const { host, port, apiKey, project: projectId } = options;
  return new RunningCollector({
    app,
    store,
    underWay,
    embedded: options.embedded,
    endWork: async () => {
      await Promise.all([folder.close(), upkeep.close()]);
      await keyUses.close();
    },
    endWaiting: () => {
      waiters.close();
      failedKeys.close();
      judge?.close();
      dashboard.close();
    },
    place: placeOf(options.database),
    apiKey,
    loginToken,
    projectId,
    host,
    port,
    allowedHosts: options.allowedHosts,
    tls,
    behindProxy: options.behindProxy,
    logger,
  });
}
