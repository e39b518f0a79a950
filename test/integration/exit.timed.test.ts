import { describe, expect, it } from 'vitest';
import { type Ended, startScript } from '../helpers/child.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { deadUrl } from './client-fixture.ts';

/** Runs a script to its natural end; `code` has a `phospho` already, and says when it is done itself. */
async function script(code: string, baseUrl: string): Promise<Ended> {
  const whole = `const phospho = new Phospho(); ${code} process.stdout.write('done');`;
  return (await startScript(whole, baseUrl)).ended;
}

const logFifty = `for (let n = 0; n < 50; n++) phospho.log({ input: 'x', taskId: 't' + n });`;

describe('a script that comes to its natural end', () => {
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
