import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { agent } from 'supertest';
import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../src/collector/index.ts';
import { Phospho } from '../../src/index.ts';
import { makeCertificate, type TestCertificate } from '../helpers/certificate.ts';
import { Run } from '../helpers/cli.ts';
import { TOKEN } from '../helpers/dashboard.ts';

async function listening(options: CollectorOptions): Promise<Collector> {
  const collector = await createCollector({
    ...{ database: 'sqlite::memory:', port: 0, dashboardToken: TOKEN },
    ...options,
  });
  onTestFinished(() => collector.close());
  await collector.listen();
  return collector;
}

function trusting({ cert }: TestCertificate): Agent {
  const dispatcher = new Agent({ connect: { ca: cert } });
  onTestFinished(() => dispatcher.close());
  return dispatcher;
}

function portOf({ url }: Collector): number {
  return Number(new URL(url).port);
}

describe('an address that other machines reach', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'phospho.internal'])(
    '%s is not listened on unencrypted, and the refusal names three ways out',
    async (host) => {
      const collector = await createCollector({ database: 'sqlite::memory:', port: 0, host });
      onTestFinished(() => collector.close());
      await expect(collector.listen()).rejects.toMatchObject({
        code: 'ERR_PHOSPHO_CONFIG',
        message: expect.stringMatching(/--tls-cert.*--behind-proxy.*--host 127\.0\.0\.1/),
      });
      // Mounted or under a test's request it serves all the same.
      await agent(collector.app).get('/health').set('host', 'localhost').expect(200);
    },
  );

  test.each(['127.0.0.1', '127.0.0.9', 'localhost', '::1'])('is not %s', async (host) => {
    const collector = await createCollector({ database: 'sqlite::memory:', port: 0, host });
    onTestFinished(() => collector.close());
    await collector.listen().catch((error) => {
      // Some machines have no IPv6.
      expect(error.code).toMatch(/^EADDRNOTAVAIL|EAFNOSUPPORT$/);
    });
  });

  test('is listened on behind a proxy, and with TLS', async () => {
    const tls = makeCertificate();
    for (const way of [{ behindProxy: true }, { tls }]) {
      const collector = await listening({ host: '0.0.0.0', ...way });
      const { statusCode, body } = await request(`${collector.url}/health`, {
        dispatcher: trusting(tls),
      });
      expect([statusCode, await body.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  test('is refused by the command with exit code 2', async () => {
    const run = new Run([
      ...['collector', '--port', '0', '--database', 'sqlite::memory:', '--host', '0.0.0.0'],
    ]);
    expect(await run.done).toBe(2);
    expect(run.err).toMatch(/--tls-cert <file> --tls-key <file>/);
    expect(run.out).toBe('');
  });
});

describe('over HTTPS', () => {
  test('events are stored by a Phospho, and the addresses say https', async () => {
    const tls = makeCertificate();
    const collector = await listening({ tls });
    const port = portOf(collector);
    expect(collector.baseUrl).toBe(`https://127.0.0.1:${port}/v2`);
    expect(collector.dashboardUrl).toBe(`https://127.0.0.1:${port}/dashboard#token=${TOKEN}`);
    const { baseUrl, apiKey = '', projectId } = collector;
    const phospho = new Phospho({ baseUrl, apiKey, projectId, dispatcher: trusting(tls) });
    const { taskId } = phospho.log({ input: 'Hi', output: 'Hello!' });
    expect(await phospho.shutdown({ timeoutMs: 5000 })).toMatchObject({
      events: { delivered: 1 },
    });
    const { body } = await request(`${baseUrl}/tasks/${taskId}`, {
      headers: { authorization: `Bearer ${apiKey}` },
      dispatcher: trusting(tls),
    });
    expect(await body.json()).toMatchObject({ input: 'Hi', output: 'Hello!' });
  });

  test('the first allowed name is that of the addresses', async () => {
    const collector = await listening({
      tls: makeCertificate(),
      allowedHosts: ['phospho.internal'],
    });
    expect(collector.url).toBe(`https://phospho.internal:${portOf(collector)}`);
  });

  test('plain HTTP is told so', async () => {
    const collector = await listening({ tls: makeCertificate() });
    const url = collector.url.replace('https:', 'http:');
    const { statusCode, body } = await request(`${url}/v2/tasks`, {
      ...{ method: 'POST', body: 'x'.repeat(100_000) },
      dispatcher: trusting(makeCertificate()),
    });
    expect(statusCode).toBe(421);
    expect(await body.json()).toEqual({ detail: expect.stringContaining('https://') });
  });

  test.each([
    ['TLSv1.1', false],
    ['TLSv1.2', true],
    ['TLSv1.3', true],
  ] as const)('%s is taken: %s', async (version, isTaken) => {
    const tls = makeCertificate();
    const collector = await listening({ tls });
    const socket = connectTls({
      ...{ port: portOf(collector), host: '127.0.0.1', ca: tls.cert },
      ...{ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    const outcome = await Promise.race([
      once(socket, 'secureConnect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    expect(outcome).toBe(isTaken);
  });

  test('the key may be encrypted', async () => {
    const tls = makeCertificate(undefined, { passphrase: 'open sesame' });
    const collector = await listening({ tls: { ...tls, passphrase: 'open sesame' } });
    const answer = await request(`${collector.url}/health`, { dispatcher: trusting(tls) });
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
  });

  test('close() does not wait for who never begins or ends the handshake', async () => {
    const collector = await listening({ tls: makeCertificate() });
    const silent = connect(portOf(collector), '127.0.0.1');
    const halfway = connect(portOf(collector), '127.0.0.1');
    await Promise.all([once(silent, 'connect'), once(halfway, 'connect')]);
    halfway.write(Buffer.of(0x16, 3, 1));
    const ended = [silent, halfway].map((socket) => {
      socket.on('error', () => undefined).resume();
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await Promise.all([collector.close(), ...ended]);
  });

  test('the dashboard’s cookie is for this host and HTTPS alone, and holds the login', async () => {
    const tls = makeCertificate();
    const { url } = await listening({ tls });
    const http = agent(url).ca(tls.cert);
    const { headers } = await http
      .post('/dashboard/api/session')
      .send({ token: TOKEN })
      .expect(204);
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Host-phospho_dashboard_\d+=[\w-]{43}; Max-Age=604800; Path=\/; .*HttpOnly; Secure; SameSite=Strict$/,
    );
    const [cookie = ''] = String(headers['set-cookie']?.[0]).split(';');
    const session = agent(url).ca(tls.cert).get('/dashboard/api/session').set('cookie', cookie);
    expect((await session.expect(200)).body.base_url).toBe(`${url}/v2`);
  });
});

describe('a certificate of files', () => {
  function written(tls: TestCertificate): TestCertificate & { write(next: TestCertificate): void } {
    const folder = mkdtempSync(join(tmpdir(), 'phospho-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const write = (next: TestCertificate) => {
      writeFileSync(files.cert, next.cert);
      writeFileSync(files.key, next.key);
    };
    write(tls);
    return { ...files, write };
  }

  /** The name that the server's certificate is of. */
  async function shown(port: number): Promise<unknown> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate() as PeerCertificate;
    socket.destroy();
    return subject.CN;
  }

  test('is read again when they change; one that is no good is said, and the old one stays', async () => {
    const { write, ...tls } = written(makeCertificate(['first']));
    const error = vi.fn();
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error };
    const port = portOf(await listening({ tls, logger }));
    expect(await shown(port)).toBe('first');
    write({ ...makeCertificate(['bad']), key: makeCertificate().key });
    await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(1), { timeout: 10_000 });
    expect(error.mock.calls[0]?.[0]).toMatch(/the one before stays: .*tls\.key takes/);
    expect(await shown(port)).toBe('first');
    write(makeCertificate(['second']));
    await vi.waitFor(async () => expect(await shown(port)).toBe('second'), { timeout: 10_000 });
    expect(error).toHaveBeenCalledTimes(1);
  });

  test('is given to the command by its flags or environment', async () => {
    const made = makeCertificate();
    const { cert, key } = written(made);
    const run = await new Run(
      ['collector', '--port', '0', '--host', '0.0.0.0', '--tls-cert', cert],
      { PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:', PHOSPHO_COLLECTOR_TLS_KEY: key },
    ).ready();
    expect(run.exported('PHOSPHO_BASE_URL')).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v2$/);
    const answer = await request(`${run.exported('PHOSPHO_BASE_URL')}/health`, {
      dispatcher: trusting(made),
    });
    expect(answer.statusCode).toBe(200);
    await answer.body.dump();
  });

  test.each<[string, (good: TestCertificate) => object, RegExp]>([
    ['without its key', ({ cert }) => ({ cert }), /^tls\.key takes .*PHOSPHO_COLLECTOR_TLS_KEY/],
    ['without certificate', ({ key }) => ({ key }), /^tls\.cert takes/],
    ['that is not there', ({ key }) => ({ cert: '/none', key }), /^tls\.cert .*ENOENT/],
    [
      'with the key in its place',
      ({ key }) => ({ cert: key, key }),
      /^tls\.cert takes .*without "-----BEGIN CERTIFICATE-----"/,
    ],
    [
      'that is broken',
      ({ key }) => ({ cert: '-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----', key }),
      /^tls\.cert takes a certificate/,
    ],
    [
      'with another’s key',
      ({ cert }) => ({ cert, key: makeCertificate().key }),
      /^tls\.key takes the private key of tls\.cert/,
    ],
    [
      'with an encrypted key alone',
      () => makeCertificate(undefined, { passphrase: 'x' }),
      /^tls\.key .*PHOSPHO_COLLECTOR_TLS_PASSPHRASE/,
    ],
  ])('%s is refused before anything is opened', async (_name, tls, message) => {
    const given = tls(makeCertificate()) as TestCertificate;
    const opened = createCollector({ database: 'sqlite:/no/such/place.db', tls: given });
    await expect(opened).rejects.toMatchObject({
      code: 'ERR_PHOSPHO_CONFIG',
      message: expect.stringMatching(message),
    });
  });
});

describe('behind a proxy', () => {
  const FORWARDED = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' };

  test('that ends TLS, cookies are secure and browsers remember HTTPS', async () => {
    const collector = await listening({ behindProxy: true, allowedHosts: ['phospho.example'] });
    const http = agent(collector.url).set({ host: 'phospho.example', ...FORWARDED });
    const { headers } = await http
      .post('/dashboard/api/session')
      .send({ token: TOKEN })
      .expect(204);
    expect(headers['set-cookie']?.[0]).toMatch(/^__Host-phospho.*Secure/);
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
    const [cookie = ''] = String(headers['set-cookie']?.[0]).split(';');
    const session = await http.get('/dashboard/api/session').set('cookie', cookie).expect(200);
    expect(session.body.base_url).toBe('https://phospho.example/v2');
    const plain = await agent(collector.url)
      .get('/health')
      .set({ host: 'phospho.example', 'x-forwarded-proto': 'http' });
    expect(plain.headers).not.toHaveProperty('strict-transport-security');
  });

  test('this machine’s own names are not remembered for HTTPS', async () => {
    const collector = await listening({ behindProxy: true });
    for (const host of ['localhost', '127.0.0.1']) {
      const { headers } = await agent(collector.url)
        .get('/health')
        .set({ host, ...FORWARDED });
      expect(headers).not.toHaveProperty('strict-transport-security');
    }
  });

  test.each([
    ['of one proxy', true, true],
    ['of the proxy’s address', '127.0.0.1/8', true],
    ['of another proxy’s address', ['10.0.0.0/8'], false],
    ['of no proxy', false, false],
  ] as const)(
    'with %s, logins are counted by forwarded address: %s',
    async (_name, behindProxy, isTold) => {
      const { url } = await listening({ behindProxy });
      const guess = (from: string) =>
        agent(url)
          .post('/dashboard/api/session')
          .set('x-forwarded-for', from)
          .send({ token: 'a guess' });
      for (let i = 0; i < 30; i++) await guess('203.0.113.7').expect(401);
      await guess('203.0.113.7').expect(429);
      await guess('203.0.113.8').expect(isTold ? 401 : 429);
    },
  );

  test('metrics stay for this machine alone', async () => {
    const { url } = await listening({ behindProxy: true });
    await agent(url).get('/metrics').expect(200);
    await agent(url).get('/metrics').set('x-forwarded-for', '127.0.0.1').expect(401);
    await agent(url).get('/metrics').set('x-forwarded-proto', 'https').expect(401);
  });

  test('the command takes it with and without a number', async () => {
    for (const args of [['--behind-proxy'], ['--behind-proxy', '2']]) {
      const run = new Run(['collector', '--port', '0', '--host', '0.0.0.0', ...args], {
        PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:',
      });
      await run.ready();
    }
  });

  test('the command prints the links that others can follow, and where it listens', async () => {
    const run = await new Run(['collector', '--port', '0', '--behind-proxy'], {
      PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:',
      PHOSPHO_COLLECTOR_ALLOWED_HOSTS: 'phospho.example,other.example',
    }).ready();
    expect(run.out).toMatch(
      /listens on http:\/\/127\.0\.0\.1:\d+, behind a proxy at https:\/\/phospho\.example\n/,
    );
    expect(run.out).toContain('\n  https://phospho.example/dashboard#token=');
    expect(run.exported('PHOSPHO_BASE_URL')).toBe('https://phospho.example/v2');
  });
});

test('every answer tells browsers not to show, sniff or frame it', async () => {
  const collector = await listening({});
  for (const [path, status] of [
    ['/health', 200],
    ['/v2/projects/demo', 401],
    ['/v2/none', 404],
    ['/metrics', 200],
    ['/openapi.json', 200],
  ] as const) {
    const { headers } = await agent(collector.url).get(path).expect(status);
    expect(headers, path).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  }
});
