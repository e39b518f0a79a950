import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBaseUrl, urlBelow } from '../../../src/client/base-url.ts';
import { isLoopback } from '../../../src/internal/loopback.ts';

const hostOf = (url: string) => new URL(url).hostname;

describe('a base URL', () => {
  it.each([
    ['https://api.phospho.ai/v2', 'https://api.phospho.ai/v2'],
    ['https://api.phospho.ai/v2///', 'https://api.phospho.ai/v2'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['HTTP://LocalHost:80/', 'http://localhost'],
  ])('%s is taken as %s', (given, taken) => {
    expect(checkBaseUrl(given, 'baseUrl')).toBe(taken);
  });

  it('that is refused is not shown with its password', () => {
    for (const url of ['https://user:pw@host/v2', 'ftp://user:pw@host', 'user:pw@host']) {
      expect(() => checkBaseUrl(url, 'baseUrl')).toThrow(/Received: /);
      expect(() => checkBaseUrl(url, 'baseUrl')).not.toThrow(/pw/);
    }
  });
});

describe('loopback', () => {
  it.each([
    'http://localhost',
    'http://a.b.localhost',
    'http://127.0.0.1',
    'http://127.9.9.9',
    'http://127.1',
    'http://0x7f.1',
    'http://[::1]',
    'http://localhost.',
  ])('is %s', (url) => {
    expect(isLoopback(hostOf(url))).toBe(true);
  });

  it.each([
    'http://notlocalhost',
    'http://localhost.com',
    'http://128.0.0.1',
    'http://127.0.0.1.nip.io',
    'http://0.0.0.0',
    'http://[::2]',
    'http://127.example',
  ])('is not %s', (url) => {
    expect(isLoopback(URL.canParse(url) ? hostOf(url) : url)).toBe(false);
  });
});

describe('a path', () => {
  it('never leads to another host, nor above the base', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webPath(),
          fc.constantFrom('//evil.com', '@evil.com', '\\\\evil', '/../x', '/%2e%2e/x'),
        ),
        (path) => {
          let url: URL;
          try {
            url = urlBelow('https://h.example/v2', path);
          } catch (error) {
            expect((error as Error).name).toBe('PhosphoArgumentError');
            return;
          }
          expect(url.origin).toBe('https://h.example');
          expect(url.pathname.startsWith('/v2/')).toBe(true);
        },
      ),
    );
  });

  it('may bring a query, which the parameters add to', () => {
    expect(urlBelow('https://h', '/a?b=1', { c: 'ä&', d: undefined, e: false }).href).toBe(
      'https://h/a?b=1&c=%C3%A4%26&e=false',
    );
  });
});
