import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { deadUrl } from './client-fixture.ts';

const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a script to its natural end; `code` has a `phospho` already, and says when it is done itself. */
function script(
  code: string,
  baseUrl: string,
): Promise<{ code: number | null; afterMs: number; out: string }> {
  const source = `
    import { Phospho } from ${JSON.stringify(entry)};
    const phospho = new Phospho();
    ${code}
    process.stdout.write('done');`;
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', source],
      {
        cwd: root,
        env: {
          ...process.env,
          PHOSPHO_API_KEY: 'key',
          PHOSPHO_PROJECT_ID: 'p',
          PHOSPHO_BASE_URL: baseUrl,
        },
      },
    );
    let out = '';
    let doneAt = Number.NaN;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        out += chunk;
        if (out.includes('done')) doneAt ||= performance.now();
      });
    }
    child.on('close', (exitCode) => {
      resolve({ code: exitCode, afterMs: performance.now() - doneAt, out });
    });
  });
}

const logFifty = `for (let n = 0; n < 50; n++) phospho.log({ input: 'x', taskId: 't' + n });`;

describe.concurrent('a script that comes to its natural end', () => {
  it('delivers everything it logged and flagged, and ends at once', async () => {
    const double = new PhosphoDouble();
    const { code, afterMs } = await script(
      `${logFifty} phospho.flag('t7', 'success');`,
      await double.serve(),
    );
    expect(code).toBe(0);
    expect(double.stored.size).toBe(50);
    expect(double.flags).toMatchObject([{ taskId: 't7' }]);
    expect(afterMs).toBeLessThan(2_000);
  });

  it('ends at once where there is nothing to deliver', async () => {
    const double = new PhosphoDouble();
    const { code, afterMs, out } = await script('', await double.serve());
    expect({ code, out }).toEqual({ code: 0, out: 'done' });
    expect(afterMs).toBeLessThan(1_000);
    expect(double.asked).toEqual([]);
  });

  it('delivers, too, what it logs when it was already about to end, time and again', async () => {
    const double = new PhosphoDouble();
    const { code } = await script(
      `let rounds = 0;
      process.on('beforeExit', () => {
        if (rounds++ < 3) setTimeout(() => phospho.log({ input: 'x', taskId: 'r' + rounds }), 5);
      });`,
      await double.serve(),
    );
    expect(code).toBe(0);
    expect([...double.stored.keys()]).toEqual(['r1', 'r2', 'r3']);
  });

  it('is held for no longer than the flush by a server that hangs, and says what is lost', async () => {
    const double = new PhosphoDouble();
    double.behave = () => 'hang';
    const { code, afterMs, out } = await script(logFifty, await double.serve());
    expect(code).toBe(0);
    expect(afterMs).toBeGreaterThan(4_500);
    expect(afterMs).toBeLessThan(7_000);
    expect(out).toContain('50 event(s) and 0 flag(s) are lost');
  });

  it('is held for no longer than the flush where nobody listens', async () => {
    const { code, afterMs, out } = await script(logFifty, await deadUrl());
    expect(code).toBe(0);
    expect(afterMs).toBeLessThan(7_000);
    expect(out).toContain('50 event(s) and 0 flag(s) are lost');
  });

  it('delivers before it ends by process.exit, if it awaits shutdown()', async () => {
    const double = new PhosphoDouble();
    const { code } = await script(
      `${logFifty} const { events } = await phospho.shutdown(); process.exit(events.delivered);`,
      await double.serve(),
    );
    expect(code).toBe(50);
  });
});
