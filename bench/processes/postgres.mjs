// A PostgreSQL of the bench's own, from the binaries that the tests use too. Commits reach the disk.

import { register } from 'tsx/esm/api';
import { serve } from './serve.mjs';

register();
const { makePostgres } = await import('../../test/helpers/postgres.ts');
const postgres = await makePostgres({
  isDurable: true,
  settings: ['shared_buffers=256MB', 'max_wal_size=2GB'],
});
await postgres.run('postgres', 'create database bench');

serve({
  url: () => postgres.url('bench'),
  remove: () => postgres.remove(),
});
