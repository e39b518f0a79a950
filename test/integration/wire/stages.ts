import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Middleware } from 'phospho-express';
import type { ExpressModule } from '../../helpers/express-versions.ts';
import { type Asked, ENDS, type Step } from './programs.ts';
import { closed, run, type Seen } from './run.ts';

type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** A server that runs whatever program is set, behind a middleware or alone. */
export abstract class Stage {
  program: readonly Step[] = [];
  seen: Seen = { wire: '', returned: [], later: [] };
  #over: Promise<unknown> = Promise.resolve();
  #hasLeft = false;
  protected leave: () => void = () => {};
  readonly #server: Server;

  constructor(make: (handle: Handle) => Server) {
    this.#server = make(async (_req, res) => {
      const running = run(this.program, res, this.seen, () => {
        this.#hasLeft = true;
        this.leave();
      });
      this.#over = Promise.allSettled([closed(res), running]);
      await running;
    }).listen(0, '127.0.0.1');
  }

  async play(program: readonly Step[], asked: Asked, origin: boolean): Promise<Seen> {
    if (!this.#server.listening) await once(this.#server, 'listening');
    const ended = program.findIndex((step) => ENDS.includes(step.do));
    this.program = program.filter((step, at) => !this.isBroken(step, ended >= 0 && at > ended));
    this.seen = { wire: '', returned: [], later: [] };
    this.#hasLeft = false;
    const wire = await this.ask((this.#server.address() as AddressInfo).port, asked, origin);
    await this.#over;
    await turn();
    // How much a client has got when it leaves is a matter of time.
    return { ...this.seen, wire: this.#hasLeft ? '' : wire };
  }

  /** What the stack by itself, without us, does not answer, or answers by chance. */
  isBroken: (step: Step, hasEnded: boolean) => boolean = isStuck;

  /** Resolves to all that the client got, once the connection has closed. */
  protected abstract ask(port: number, asked: Asked, origin: boolean): Promise<string>;

  close(): void {
    this.#server.close();
  }
}

/** An `end` that throws leaves Node's socket corked: a pipe that fills it waits for ever. */
function isStuck(step: Step, hasEnded: boolean): boolean {
  return hasEnded && step.do === 'pipe' && step.data.length > 16_384;
}

/** To the byte: chunks as they were framed. */
export class Http1Stage extends Stage {
  /** Lines that each request carries. */
  headers: readonly string[] = [];
  /** Only the body's bytes count, not how they are framed. */
  isCutByChance = false;

  protected async ask(port: number, asked: Asked, origin: boolean): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    this.leave = () => void socket.destroy();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.write(requestText(asked, origin, this.headers));
    await once(socket, 'close');
    const wire = Buffer.concat(chunks)
      .toString('latin1')
      .replace(/^Date: .*\r\n/gm, '');
    return this.isCutByChance ? joined(wire) : wire;
  }
}

export function requestText(
  { method, body, expectContinue, version }: Asked,
  origin: boolean,
  headers: readonly string[],
): string {
  const lines = [
    `${method} /chat HTTP/${version}`,
    'Host: localhost',
    'Connection: close',
    ...headers,
  ];
  if (origin) lines.push('Origin: https://app.example');
  if (expectContinue && version === '1.1') lines.push('Expect: 100-continue');
  if (method !== 'POST' || body === undefined) return [...lines, '', ''].join('\r\n');
  lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return [...lines, '', body].join('\r\n');
}

/** The chunks of a body as one. */
function joined(wire: string): string {
  const start = wire.lastIndexOf('HTTP/1.1 ');
  const headEnd = wire.indexOf('\r\n\r\n', start) + 4;
  if (!/^transfer-encoding: chunked/im.test(wire.slice(start, headEnd))) return wire;
  let body = '';
  let at = headEnd;
  for (;;) {
    const lineEnd = wire.indexOf('\r\n', at);
    const length = Number.parseInt(wire.slice(at, lineEnd), 16);
    if (lineEnd < 0 || !(length > 0)) break;
    body += wire.slice(lineEnd + 2, lineEnd + 2 + length);
    at = lineEnd + 2 + length + 2;
  }
  return `${wire.slice(0, headEnd)}${body}\n--\n${wire.slice(at)}`;
}

/** How the app's errors end: with an answer where one is possible still. */
export function fail(res: ServerResponse): void {
  if (res.headersSent) res.destroy();
  else res.writeHead(500, { 'X-Failed': 'yes' }).end('oops');
}

/** Mounted in the order of the list. */
export function bare(middlewares: readonly Middleware[], reads: boolean): Stage {
  return new Http1Stage((handle) =>
    createServer((req, res) => {
      const answer = (): void => void handle(req, res).catch(() => fail(res));
      chain(middlewares, req, res, () => {
        if (reads) req.resume().once('end', answer);
        else answer();
      });
    }),
  );
}

export function onExpress(
  express: ExpressModule,
  middlewares: readonly Middleware[],
  parser: 'before' | 'after',
): Stage {
  return new Http1Stage((handle) => {
    const app = express();
    if (parser === 'before') app.use(express.json());
    for (const middleware of middlewares) app.use(middleware);
    if (parser === 'after') app.use(express.json());
    app.use((req, res, next) => void handle(req, res).catch(next));
    app.use(((_error, _req, res, _next) =>
      fail(res)) satisfies import('express').ErrorRequestHandler);
    return createServer(app);
  });
}

export function chain(
  middlewares: readonly Middleware[],
  req: IncomingMessage,
  res: ServerResponse,
  last: () => void,
): void {
  const [first, ...rest] = middlewares;
  if (first) first(req, res, () => chain(rest, req, res, last));
  else last();
}
