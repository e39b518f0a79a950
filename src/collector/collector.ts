import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import type { Express } from 'express';
import { PhosphoConfigError, PhosphoError } from '../errors.ts';
import type { GuardedLogger } from '../internal/logger.ts';
import { DASHBOARD_PATH } from './dashboard/dashboard.ts';
import { makeServer } from './http/server.ts';
import type { UnderWay } from './http/under-way.ts';
import type { Certificate, TlsOptions } from './network/certificate.ts';
import { assertMayListen } from './network/exposure.ts';
import type { TrustedProxies } from './network/proxy.ts';
import { followRenewals } from './network/renewal.ts';
import { type ProjectKey, settleKey } from './project-key.ts';
import type { Store } from './store/store.ts';

/** Where a collector is. */
export interface CollectorAddresses {
  url: string;
  /** What clients take as base URL. */
  baseUrl: string;
  /** With the login token, so treat it as a password. */
  dashboardUrl: string;
}

/** A local phospho: the HTTP API over a database of its own. */
export interface Collector {
  /**
   * The Express app, for tests (supertest) or to mount in another app, at `/` or below any path; see `embedded` of the
   * options. `listen()` serves it. It has no prefix of its own: the API is below `/v2`.
   */
  readonly app: Express;
  readonly projectId: string;
  /**
   * The project's key if it was given or made in this process; undefined if it is from an earlier one, or was
   * given and has been revoked or has expired.
   */
  readonly apiKey: string | undefined;
  /**
   * E.g. `http://127.0.0.1:7700`, or with TLS `https://` and the first of `allowedHosts`, if any: a certificate is
   * of a name. With port 0 it is known only once `listen()` has resolved.
   */
  readonly url: string;
  /** What clients take as base URL: `url` and `/v2`. */
  readonly baseUrl: string;
  /**
   * The dashboard's address with its login token: whoever opens it is logged in, so treat it as a password.
   * The token is behind a `#`, so that it is in no server's log. A restart makes a new one unless
   * `dashboardToken` is set; who is logged in stays so for a week.
   */
  readonly dashboardUrl: string;
  /**
   * The addresses of a collector that is reached at `url`: through a proxy, or mounted in an app.
   *
   * @param url - of where it is, e.g. `https://app.example.com/collector`
   * @throws PhosphoConfigError for what is no http or https URL, or has a query or fragment
   * @example
   * ```ts
   * app.use('/collector', collector.app);
   * const { baseUrl, dashboardUrl } = collector.addressesAt('http://localhost:3000/collector');
   * ```
   */
  addressesAt(url: string): CollectorAddresses;
  /**
   * Starts to serve; again, it does nothing.
   *
   * @throws PhosphoConfigError for one that is `embedded`, and for a `host` that other machines reach, without `tls` or `behindProxy`
   * @throws Error of Node, e.g. with code EADDRINUSE, where the address cannot be had
   */
  listen(): Promise<void>;
  /**
   * Stops to accept, ends what waits and idle connections, lets requests under way finish within 5 s, and
   * closes the database. What an app that it is mounted in still passes on is answered 503. Safe to repeat.
   */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 5000;

export interface CollectorParts {
  app: Express;
  store: Store;
  underWay: UnderWay;
  embedded: boolean;
  /** Ends held flags and live streams, which would keep the server from closing. */
  endWaiting(): void;
  /** Ends what uses the database by itself. */
  endWork(): Promise<void>;
  /** Where the data is, for a person. */
  place: string;
  /** The key that was given, if any. */
  apiKey: string | undefined;
  loginToken: string;
  projectId: string;
  host: string;
  port: number;
  allowedHosts: readonly string[];
  tls: { options: TlsOptions; certificate: Certificate } | undefined;
  behindProxy: TrustedProxies;
  logger: GuardedLogger;
}

/** The collector as this package's own command line sees it. */
export class RunningCollector implements Collector {
  readonly app: Express;
  readonly projectId: string;
  readonly #parts: CollectorParts;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #endRenewals: () => void;
  #port: number;
  #key: ProjectKey | undefined;
  #listening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
    this.app = parts.app;
    this.projectId = parts.projectId;
    this.#port = parts.port;
    const { tls } = parts;
    if (tls === undefined) {
      this.#server = makeServer(parts.app);
      this.#endRenewals = () => {};
    } else {
      const { options, certificate } = tls;
      const server: TlsServer = makeServer(parts.app, {}, certificate);
      this.#server = server;
      this.#endRenewals = followRenewals(server, options, certificate, parts.logger);
    }
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get apiKey(): string | undefined {
    return this.#key?.plain;
  }

  get url(): string {
    if (this.#parts.embedded) {
      throw new PhosphoConfigError(
        'an embedded collector does not know its address: the app that it is mounted in has it. Use ' +
          "collector.addressesAt('http://localhost:3000/collector'), with where you have mounted it",
      );
    }
    if (this.#port === 0) throw new PhosphoError('the port is known only after listen()');
    const { host, tls, allowedHosts } = this.#parts;
    return tls === undefined
      ? `http://${reachable(host)}:${this.#port}`
      : `https://${reachable(allowedHosts[0] ?? host)}:${this.#port}`;
  }

  /** Where others reach it: behind a proxy that is by its first name, at the port that browsers take for HTTPS. */
  get publicUrl(): string {
    const { behindProxy, allowedHosts } = this.#parts;
    const [name] = allowedHosts;
    return behindProxy === undefined || name === undefined
      ? this.url
      : `https://${reachable(name)}`;
  }

  get place(): string {
    return this.#parts.place;
  }

  get baseUrl(): string {
    return this.addressesAt(this.url).baseUrl;
  }

  get dashboardUrl(): string {
    return this.addressesAt(this.url).dashboardUrl;
  }

  addressesAt(at: string): CollectorAddresses {
    if (!/^https?:\/\/[^?#]+$/i.test(at) || !URL.canParse(at)) {
      throw new PhosphoConfigError(
        `addressesAt takes the URL where the collector is, such as https://app.example.com/collector; ${JSON.stringify(at)} came`,
      );
    }
    const url = at.replace(/\/+$/, '');
    const token = encodeURIComponent(this.#parts.loginToken);
    return { url, baseUrl: `${url}/v2`, dashboardUrl: `${url}${DASHBOARD_PATH}#token=${token}` };
  }

  listen(): Promise<void> {
    if (this.#closing !== undefined) {
      return Promise.reject(new PhosphoError('the collector is closed'));
    }
    this.#listening ??= this.#bind().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  /**
   * Creates the project and sees to its key. Apart from opening, so that the command line can do it once it
   * has the port: a new key takes an earlier one's place, which must not happen on a start that then fails.
   *
   * @param renew - make a new key although there is one
   */
  async settleKey({ renew }: { renew: boolean }): Promise<ProjectKey> {
    const { store, projectId, apiKey: given, logger } = this.#parts;
    this.#key = await settleKey(store.keys, projectId, { given, renew });
    if ('warning' in this.#key && this.#key.warning !== undefined)
      logger.say('warn', this.#key.warning);
    return this.#key;
  }

  #bind(): Promise<void> {
    const { host, port, tls, behindProxy, embedded } = this.#parts;
    return new Promise((resolve, reject) => {
      if (embedded) {
        throw new PhosphoConfigError(
          'an embedded collector is served by the app that it is mounted in. Leave out listen(), or embedded: true',
        );
      }
      assertMayListen(host, {
        hasTls: tls !== undefined,
        isBehindProxy: behindProxy !== undefined,
      });
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        if (typeof address === 'object' && address !== null) this.#port = address.port;
        resolve();
      });
    });
  }

  async #shut(): Promise<void> {
    this.#parts.endWaiting();
    this.#endRenewals();
    await this.#listening?.catch(() => undefined);
    const closed = this.#server.listening
      ? new Promise((resolve) => this.#server.close(resolve))
      : undefined;
    await this.#parts.underWay.close(CLOSE_GRACE_MS);
    // Server.close spares connections that have not sent a request yet, and knows of none in its TLS handshake.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#parts.endWork();
    await this.#parts.store.close();
  }
}

/** A wildcard address is reached by the loopback one. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
}
