import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startOfSearch, versionAbove } from '../../../src/internal/app-version.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'phospho-version-'));
  mkdirSync(join(root, 'app/dist/server'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const manifest = (path: string, content: unknown): void =>
  writeFileSync(join(root, path, 'package.json'), JSON.stringify(content));

describe("the app's version", () => {
  it('is that of the nearest package above the script', () => {
    manifest('.', { name: 'monorepo', version: '9.0.0' });
    manifest('app', { name: 'app', version: '1.2.3' });
    manifest('app/dist', { type: 'module' });
    expect(versionAbove(join(root, 'app/dist/server'))).toBe('1.2.3');
  });

  it('is none where the package has none: not that of the monorepo around it', () => {
    manifest('.', { name: 'monorepo', version: '9.0.0' });
    manifest('app', { name: 'app', private: true });
    expect(versionAbove(join(root, 'app/dist/server'))).toBeUndefined();
  });

  it('is looked for past what is no JSON', () => {
    manifest('app', { name: 'app', version: '1.2.3' });
    writeFileSync(join(root, 'app/dist/package.json'), '{');
    expect(versionAbove(join(root, 'app/dist/server'))).toBe('1.2.3');
  });

  it.each([
    ['/srv/app/dist/main.js', '/srv/app/dist'],
    ['/srv/app/node_modules/.bin/vitest', '/home/me/app'],
    [undefined, '/home/me/app'],
  ])('of a process started with %s is looked for from %s on', (script, from) => {
    expect(startOfSearch(script, '/home/me/app')).toBe(from);
  });
});
