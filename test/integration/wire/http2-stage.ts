import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientHttp2Stream, connect, constants, createServer } from 'node:http2';
import type { Server } from 'node:net';
import type { Middleware } from 'phospho-express';
import type { Asked } from './programs.ts';
import { chain, fail, Stage } from './stages.ts';

/** Node's compatibility API of HTTP/2, bare. Frames of one body may be cut in any way: their bytes count. */
export class Http2Stage extends Stage {
  constructor(middlewares: readonly Middleware[]) {
    super((handle) => {
      const server = createServer((request, response) => {
        const [req, res] = [
          request as unknown as IncomingMessage,
          response as unknown as ServerResponse,
        ];
        const answer = (): void => void handle(req, res).catch(() => fail(res));
        chain(middlewares, req, res, () => req.resume().once('end', answer));
      });
      return server as unknown as Server as never;
    });
    this.isBroken = (step) =>
      (step.do === 'setHeader' && Array.isArray(step.value)) ||
      (step.do === 'writeHead' && (step.status === 99 || isTwice(step.headers))) ||
      // Node 20 sends a byte from somewhere else in memory instead of one that was written as a string.
      ('data' in step &&
        (step.data.length < 8 || ('encoding' in step && step.encoding !== undefined)));
  }

  protected async ask(port: number, asked: Asked, origin: boolean): Promise<string> {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    const { method, body } = asked;
    const stream = session.request(
      {
        ':method': method,
        ':path': '/chat',
        ...(origin ? { origin: 'https://app.example' } : {}),
        ...(method === 'POST' && body !== undefined ? { 'content-type': 'application/json' } : {}),
      },
      { endStream: method !== 'POST' },
    );
    this.leave = () => void stream.close(constants.NGHTTP2_CANCEL);
    const seen = watch(stream);
    if (method === 'POST') stream.end(body);
    await new Promise((resolve) => stream.once('close', resolve));
    session.close();
    await once(session, 'close');
    return seen(stream.rstCode);
  }
}

/** Whether a name is there twice: of most, HTTP/2 takes one value. */
function isTwice(headers: readonly (readonly [string, string])[]): boolean {
  return new Set(headers.map(([name]) => name.toLowerCase())).size < headers.length;
}

/** Written down as HTTP/1 would. */
function watch(stream: ClientHttp2Stream): (code: number) => string {
  let heads = '';
  let trailers = '';
  const chunks: Buffer[] = [];
  stream.on('headers', (headers) => {
    heads += `early\r\n${linesOf(headers)}\r\n`;
  });
  stream.on('response', (headers) => {
    heads += `HTTP/1.1 ${headers[':status']}\r\n${linesOf(headers)}\r\n`;
  });
  stream.on('trailers', (headers) => {
    trailers = linesOf(headers);
  });
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('error', () => {});
  return (code) => `${heads}${Buffer.concat(chunks).toString('latin1')}\n${trailers}${code}`;
}

function linesOf(headers: object): string {
  return Object.entries(headers)
    .filter(([name]) => name !== 'date')
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`))
    .join('');
}
