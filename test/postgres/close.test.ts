import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { compiled } from '../helpers/compiled.ts';
import { newPostgres } from '../helpers/databases.ts';

test('close() keeps the process alive until it is done, so that what follows it runs', async () => {
  const entry = await compiled('src/collector/index.ts');
  const database = await newPostgres();
  const program = `
    import { createCollector } from ${JSON.stringify(entry)};
    const collector = await createCollector({ database: ${JSON.stringify(database)}, port: 0 });
    await collector.listen();
    console.log((await fetch(collector.url + '/health')).status);
    await collector.close();
    console.log('closed');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += text));
  const [code] = await once(child, 'close');
  expect(out.split('\n')).toEqual(['200', 'closed', '']);
  expect(code).toBe(0);
});
