import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

it('the demo plays every turn through the built package, and finds all of it stored', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/chat/demo.ts', '--check'],
    { cwd: ROOT, env: { PATH: process.env.PATH } },
  );
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    exchanges: 13,
    stored: 13,
    outputs_equal: 13,
    flags_sent: 4,
    flags_stored: 4,
    ledger_ok: true,
  });
}, 60_000);
