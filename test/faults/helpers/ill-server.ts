import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'vitest';
import { bodyOf, PhosphoDouble } from '../../helpers/phospho-double.ts';

/** What a helper needs of a test that may run beside others. */
export type Finishing = Pick<TestContext, 'onTestFinished'>;

/** What an ill server does with a request; `double.answer` is what a well one does. */
export type Illness = (
  request: IncomingMessage,
  response: ServerResponse,
  double: PhosphoDouble,
) => void;

/** A phospho on a real socket that is ill until it is healed. */
export class IllServer {
  readonly double: PhosphoDouble = new PhosphoDouble();
  /** When requests came while it was ill, `performance.now()`. */
  readonly askedAt: number[] = [];
  /** Requests while it was ill, and connections on which none came. */
  attempts = 0;
  /** Called for each request, before anything is done with it. */
  onRequest: () => void = () => {};
  /** Called for each connection while ill. */
  onConnection: ((socket: Socket) => void) | undefined;
  readonly #counted = new WeakSet<Socket>();
  #illness: Illness | undefined;
  #port = 0;
  #gate: { waiting: (() => void)[] } | undefined;
  readonly #server = this.double.server();

  constructor(illness: Illness | undefined) {
    this.#illness = illness;
    this.#server.removeAllListeners('request');
    this.#server.on('request', (request, response) => this.#take(request, response));
    this.#server.on('connection', (socket) => {
      socket.on('error', () => {});
      if (this.#illness === undefined || this.onConnection === undefined) return;
      this.attempts += 1;
      this.#counted.add(socket);
      this.onConnection(socket);
    });
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    // Long enough for whatever a test does with a connection.
    this.#server.keepAliveTimeout = 120_000;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v2`;
  }

  /** Listens, on the same port each time. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nobody listens from now on, and what was connected is reset. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** It falls ill. */
  infect(illness: Illness): void {
    this.#illness = illness;
  }

  /** From now on it does what phospho does. */
  heal(): void {
    this.#illness = undefined;
  }

  /** Answers nothing until two requests wait at the same time: a lane that was lost would block for ever. */
  expectPairs(): void {
    this.#gate = { waiting: [] };
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.onRequest();
    if (this.#illness) {
      // A request that got through before its connection broke is the same attempt.
      if (!this.#counted.has(request.socket)) this.attempts += 1;
      this.askedAt.push(performance.now());
      this.#illness(request, response, this.double);
      return;
    }
    const answer = () => void this.double.answer(request, response);
    const gate = this.#gate;
    if (gate === undefined) {
      answer();
      return;
    }
    gate.waiting.push(answer);
    if (gate.waiting.length < 2) return;
    this.#gate = undefined;
    for (const open of gate.waiting) open();
  }
}

/** A server that listens until the test ends. */
export async function illServer(context: Finishing, illness?: Illness): Promise<IllServer> {
  const server = new IllServer(illness);
  await server.listen();
  context.onTestFinished(() => server.stop());
  return server;
}

/** Answers at once with a status. The request is read, so that the connection can be used again. */
export function answering(
  status: number,
  headers: Record<string, string> = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end('{"detail":"ill"}');
    });
  };
}

/** Stores what came as phospho does; then `reply` does with the answer, a JSON text, what it likes. */
export function storing(reply: (response: ServerResponse, answer: string) => void): Illness {
  return async (request, response, double) => {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const answer = double.take(request.url ?? '', request.headers, body);
    if (typeof answer === 'object') reply(response, answer.body);
  };
}
