import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The last line that an example prints when it checks itself; rejects if it exits with another code than 0. */
async function checkExample(path: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', `examples/${path}`, '--check'],
    { cwd: ROOT, env: { PATH: process.env.PATH } },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

it('the demo plays every turn through the built package, and finds all of it stored', async () => {
  expect(await checkExample('chat/demo.ts')).toEqual({
    exchanges: 13,
    stored: 13,
    outputs_equal: 13,
    flags_sent: 4,
    flags_stored: 4,
    ledger_ok: true,
  });
}, 60_000);

it.for([
  ['react', { exchanges: 1, flags_stored: 1 }],
  ['embedded', { exchanges: 1, flags_stored: 1 }],
  ['server-rendered', { exchanges: 3, flags_stored: 3 }],
] as const)(
  'the %s example flags its answers over HTTP, and finds that stored',
  { timeout: 60_000 },
  async ([name, expected]) => {
    expect(await checkExample(`${name}/app.ts`)).toEqual(expected);
  },
);
