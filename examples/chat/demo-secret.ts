import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** A secret that outlives the process, so that thumbs of answers from an earlier run still count. */
export async function demoSecret(path: string): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  try {
    await writeFile(path, secret, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch {
    return readFile(path, 'utf8');
  }
}
