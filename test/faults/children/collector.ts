/** A collector of several over one database: says its port, and runs until it is killed. */
import { createCollector } from '../../../src/collector/index.ts';

const collector = await createCollector({ port: 0, poolSize: 5 });
await collector.listen();
process.stdout.write(`${new URL(collector.url).port}\n`);
