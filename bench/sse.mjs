import { compareRoutes } from './routes.mjs';

await compareRoutes('sse', 'events');
