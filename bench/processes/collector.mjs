// The collector, with a new database in a folder of its own.

import { join } from 'node:path';
import { createCollector } from 'phospho-express/collector';
import { config, cpuUs, serve } from './serve.mjs';

const { folder, ...options } = config;
const collector = await createCollector({
  database: `sqlite:${join(folder, 'phospho.db')}`,
  port: 0,
  ...options,
});
await collector.listen();
const { url, baseUrl, projectId, apiKey } = collector;

serve({
  address: () => ({ url, baseUrl, projectId, apiKey }),
  cpuUs,
  close: () => collector.close(),
});
