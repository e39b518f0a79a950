import { inspect } from 'node:util';
import fc from 'fast-check';
import { Client, type ClientOptions, PhosphoConfigError } from 'phospho-express/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clientFor,
  deadUrl,
  failure,
  KEY,
  phosphoServer,
  TASK,
  tcpServer,
} from './client-fixture.ts';

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('key, project and base URL', () => {
  it('come from the environment, also when set after construction', async () => {
    const server = await phosphoServer(() => ({ body: { sessions: [] } }));
    const client = new Client();
    expect(client.isConfigured()).toBe(false);
    vi.stubEnv('PHOSPHO_API_KEY', ` ${KEY}\n`);
    expect(client.isConfigured()).toBe(false);
    vi.stubEnv('PHOSPHO_PROJECT_ID', 'late');
    vi.stubEnv('PHOSPHO_BASE_URL', `${server.url}//`);
    expect(client.isConfigured()).toBe(true);
    await client.sessions.list();
    expect(server.seen[0]).toMatchObject({
      url: '/v2/projects/late/sessions',
      headers: { authorization: `Bearer ${KEY}` },
    });
    await client.close();
  });

  it('come from the options where both are given, and an empty option counts as absent', async () => {
    const server = await phosphoServer(() => ({ body: { sessions: [] } }));
    vi.stubEnv('PHOSPHO_API_KEY', 'sk-from-env');
    vi.stubEnv('PHOSPHO_PROJECT_ID', 'from-env');
    vi.stubEnv('PHOSPHO_BASE_URL', 'https://nowhere.invalid');
    await clientFor(`${server.url}/`).sessions.list();
    await clientFor(server.url, { apiKey: '', projectId: '  ' }).sessions.list();
    expect(server.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/v2/projects/project%20one/sessions', `Bearer ${KEY}`],
      ['/v2/projects/from-env/sessions', 'Bearer sk-from-env'],
    ]);
  });

  it('are asked for by variable and by option where they are absent', async () => {
    const keyless = await failure(new Client({ projectId: 'p' }).tasks.get('t1'));
    expect(keyless).toBeInstanceOf(PhosphoConfigError);
    expect(keyless.message).toMatch(/PHOSPHO_API_KEY.*apiKey/);
    const projectless = await failure(new Client({ apiKey: KEY }).sessions.create());
    expect(projectless).toBeInstanceOf(PhosphoConfigError);
    expect(projectless.message).toMatch(/PHOSPHO_PROJECT_ID.*projectId/);
  });

  it.each(['nope', 'ftp://h', 'https://u:pw@h/v2', 'https://h/?q', 'https://h/#f', '//h', 7])(
    'the base URL %s is refused, saying what is accepted and what came',
    async (baseUrl) => {
      const make = () => new Client({ baseUrl: baseUrl as string });
      expect(make).toThrow(PhosphoConfigError);
      expect(make).toThrow(/^baseUrl .*Accepted: an http or https URL.*Received: /);
      expect(make).not.toThrow(/pw/);
      vi.stubEnv('PHOSPHO_BASE_URL', String(baseUrl));
      const error = await failure(new Client({ apiKey: KEY }).get('/any'));
      expect(error).toBeInstanceOf(PhosphoConfigError);
      expect(error.message).toMatch(/^PHOSPHO_BASE_URL /);
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'timeoutMs: %d is refused',
    (timeoutMs) => {
      expect(() => new Client({ timeoutMs })).toThrow(/timeoutMs.*Accepted: 1 to/);
    },
  );
});

describe('the way that the key travels', () => {
  const ask = (baseUrl: string, options: ClientOptions = {}) =>
    failure(clientFor(baseUrl, { timeoutMs: 1, ...options }).post('/any'));

  it.each([
    'http://example.com',
    'http://10.0.0.1',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
  ])('does not lead over plain %s', async (url) => {
    const error = await ask(url);
    expect(error).toBeInstanceOf(PhosphoConfigError);
    expect(error.message).toMatch(/allowInsecureHttp.*PHOSPHO_ALLOW_HTTP/);
    vi.stubEnv('PHOSPHO_ALLOW_HTTP', '1');
    expect((await ask(url, { allowInsecureHttp: false })).name).toBe('PhosphoConfigError');
  });

  it('leads over plain http where that is allowed', async () => {
    const url = 'http://phospho.invalid/v2';
    expect((await ask(url, { allowInsecureHttp: true })).name).not.toBe('PhosphoConfigError');
    for (const yes of ['1', 'true', 'TRUE']) {
      vi.stubEnv('PHOSPHO_ALLOW_HTTP', yes);
      expect((await ask(url)).name).not.toBe('PhosphoConfigError');
    }
    for (const no of ['', '0', 'false']) {
      vi.stubEnv('PHOSPHO_ALLOW_HTTP', no);
      expect((await ask(url)).name).toBe('PhosphoConfigError');
    }
  });

  it('leads to this machine over plain http', async () => {
    const { port } = new URL(await deadUrl());
    for (const host of ['localhost', 'LOCALHOST.', 'phospho.localhost', '127.1.2.3', '[::1]']) {
      const error = await ask(`http://${host}:${port}`, { timeoutMs: 5000 });
      expect(error.name).toBe('PhosphoConnectionError');
    }
  });
});

describe('the key', () => {
  const everywhere = (error: unknown) =>
    `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${(error as Error).stack} ${String(error)}`;

  it('is not in the client, however it is looked at', () => {
    const client = clientFor('https://h', { apiKey: KEY });
    for (const part of [client, client.http, client.tasks, client.sessions]) {
      expect(inspect(part, { depth: 9, showHidden: true, getters: true })).not.toContain(KEY);
      expect(JSON.stringify(part)).not.toContain(KEY);
    }
    expect(Object.keys(client)).toEqual(['sessions', 'tasks']);
  });

  it('is not in an error, wherever the server repeats it', async () => {
    const said = { [KEY]: [`Bearer ${KEY}`, { deep: `x${KEY}x` }] };
    const location = { location: `https://h/?key=${KEY}`, 'x-request-id': KEY };
    const servers = [
      await phosphoServer(() => ({ status: 401, body: { detail: `unknown key ${KEY}` } })),
      await phosphoServer(() => ({ status: 422, body: { detail: said }, headers: location })),
      await phosphoServer(() => ({ status: 500, body: `oops ${KEY}` })),
      await phosphoServer(() => ({ status: 302, headers: location })),
      await phosphoServer(() => ({ body: `hello ${KEY}`, headers: location })),
    ];
    const garbage = await tcpServer((socket) => socket.once('data', (sent) => socket.end(sent)));
    for (const url of [...servers.map((server) => server.url), garbage]) {
      const error = await failure(clientFor(url).get(`/any/${KEY}?key=${KEY}`));
      expect(everywhere(error)).not.toContain(KEY);
      expect(error.name).toMatch(/^Phospho(Client|Server|Answer|Connection)Error$/);
    }
  });

  it('is not in an error about an answer to a call that named it', async () => {
    const server = await phosphoServer(() => ({ body: {} }));
    expect(everywhere(await failure(clientFor(server.url).tasks.get(KEY)))).not.toContain(KEY);
  });

  it('is not in an error of a dispatcher that shows the headers', async () => {
    const { MockAgent } = await import('undici');
    const dispatcher = new MockAgent();
    dispatcher.disableNetConnect();
    dispatcher.get('https://h').intercept({ path: '/v2/other' }).reply(200, '{}');
    const error = await failure(clientFor('https://h/v2', { dispatcher }).post('/any'));
    expect(everywhere(error)).not.toContain(KEY);
    expect(error.name).toBe('PhosphoConnectionError');
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('that cannot travel in a header is refused and not shown', async () => {
    const server = await phosphoServer(() => ({ body: TASK }));
    const bad = fc
      .tuple(
        fc.constantFrom('\n', '\r\n', '\0', ' ', '\u007f', 'é', '\u2028'),
        fc.stringMatching(/^[a-z]{4}$/),
      )
      .map(([char, rest]) => `sk-secret${char}x-evil: ${rest}`);
    await fc.assert(
      fc.asyncProperty(bad, async (apiKey) => {
        const error = await failure(clientFor(server.url, { apiKey }).tasks.get('t1'));
        expect(error).toBeInstanceOf(PhosphoConfigError);
        expect(everywhere(error)).not.toContain('sk-secret');
      }),
    );
    expect(server.seen).toHaveLength(0);
  });
});
