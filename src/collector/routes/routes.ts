import { auditRoutes } from './admin/audit.ts';
import { keyRoutes } from './admin/keys.ts';
import { projectAdminRoutes } from './admin/projects.ts';
import { compareRoutes } from './compare.ts';
import { flagRoutes } from './flag.ts';
import { flatTaskRoutes } from './flat-tasks.ts';
import { healthRoutes } from './health.ts';
import { logRoutes } from './log.ts';
import { openapiRoute } from './openapi.ts';
import { projectRoutes } from './projects.ts';
import { removalRoutes } from './removal.ts';
import type { Route } from './route.ts';
import { sessionRoutes } from './sessions.ts';
import { taskRoutes } from './tasks.ts';
import { testRoutes } from './tests.ts';

/** Every route of phospho's HTTP API that this collector serves, and those of its administration. */
export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...logRoutes,
  ...taskRoutes,
  ...flagRoutes,
  ...sessionRoutes,
  ...projectRoutes,
  ...flatTaskRoutes,
  ...testRoutes,
  ...compareRoutes,
  ...projectAdminRoutes,
  ...keyRoutes,
  ...auditRoutes,
  ...removalRoutes,
  openapiRoute(() => ROUTES),
];
