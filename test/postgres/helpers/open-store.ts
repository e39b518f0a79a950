import { once } from 'node:events';
import { openStore } from '../../../src/collector/store/open-store.ts';

const url = process.argv[2] ?? '';
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const store = await openStore({ kind: 'postgres', url, poolSize: 3, partitions: 0 });
await store.projects.ensure('demo');
await store.close();
process.stdout.write('open\n');
process.exit();
