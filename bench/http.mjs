import { compareRoutes } from './routes.mjs';

await compareRoutes('http', 'json');
