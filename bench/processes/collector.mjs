// The collector, over a new database.

import { createCollector } from 'phospho-express/collector';
import { config, cpuUs, serve } from './serve.mjs';

const collector = await createCollector({ port: 0, ...config });
await collector.listen();
const { url, baseUrl, projectId, apiKey } = collector;

serve({
  address: () => ({ url, baseUrl, projectId, apiKey }),
  cpuUs,
  close: () => collector.close(),
});
