import { describe, expect, it } from 'vitest';
import { brokenCall } from '../../../src/client/failures.ts';
import { Scrubber } from '../../../src/client/scrub.ts';

const call = { method: 'POST', path: '/any' };
const broken = (code: string | undefined, message: string) =>
  brokenCall(call, Object.assign(new Error(message), { code }), new Scrubber('sk-secret'));

describe('a call that brought no answer', () => {
  it.each([
    ['UND_ERR_CONNECT_TIMEOUT', 'no connection in time'],
    ['UND_ERR_HEADERS_TIMEOUT', 'no answer in time'],
    ['UND_ERR_BODY_TIMEOUT', 'the answer did not end in time'],
    ['ETIMEDOUT', 'no connection in time'],
  ])('for %s is a PhosphoTimeoutError', (code, message) => {
    const error = broken(code, 'x');
    expect(error.name).toBe('PhosphoTimeoutError');
    expect(error.message).toBe(`POST /any: ${message}`);
    expect(error.cause).toMatchObject({ code });
  });

  it.each([
    ['ECONNRESET', 'read ECONNRESET', '(read ECONNRESET)'],
    ['UND_ERR_SOCKET', 'other side closed', '(UND_ERR_SOCKET other side closed)'],
    ['ECONNREFUSED', '', '(ECONNREFUSED)'],
    [undefined, 'odd', '(odd)'],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'self-signed certificate',
      '(DEPTH_ZERO_SELF_SIGNED_CERT self-signed certificate). If the certificate is your own, start Node with ' +
        'NODE_EXTRA_CA_CERTS=<file of it, or of its authority, in PEM>',
    ],
  ])('for %s is a PhosphoConnectionError that names it', (code, message, shown) => {
    const error = broken(code, message);
    expect(error.name).toBe('PhosphoConnectionError');
    expect(error.message).toBe(`POST /any: the connection failed ${shown}`);
    expect(error.status).toBeUndefined();
  });

  it('is one also where what was thrown is no error', () => {
    expect(brokenCall(call, 'gone', new Scrubber('')).message).toContain('(gone)');
    expect(brokenCall(call, undefined, new Scrubber('')).name).toBe('PhosphoConnectionError');
  });
});
