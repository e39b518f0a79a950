import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('fixtures/left-unread.ts', import.meta.url));

interface Lost {
  name: string;
  input: string;
  output: string | null;
  outcome: string;
  leftOut?: number;
}

describe('what is handed out and left unread', () => {
  it('ends as aborted once it is garbage, with what was read, and holds nothing alive', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      '--import',
      'tsx',
      script,
    ]);
    const { lost, last } = JSON.parse(stdout) as { lost: Lost[]; last: unknown };
    const outputs = Object.fromEntries(lost.map(({ name, output }) => [name, output]));
    expect(outputs).toEqual({
      web: null,
      'web, half-read': 'piece ',
      'web, tee': 'piece ',
      generator: null,
      'generator, half-read': 'piece ',
      iterable: null,
      node: null,
      response: null,
      thenable: null,
      'web, after a step': null,
    });
    for (const { name, input, outcome, leftOut } of lost) {
      expect(outcome).toBe('aborted');
      if (name === 'web, after a step') expect(leftOut).toBe(1);
      else expect(input).toBe('Why?');
    }
    expect(last).toEqual([['kept', 'piece piece ']]);
  }, 60_000);
});
