import express, { type Express, type Response } from 'express';
import type { MiddlewareOptions, Phospho } from 'phospho-express';
import request from 'supertest';

/** An app whose `POST *` is answered by this, with our middleware in front of the parser. */
export function answeringApp(
  phospho: Phospho,
  answer: (res: Response) => void,
  options?: MiddlewareOptions,
): Express {
  const app = express();
  app.use(phospho.middleware(options));
  app.use(express.json());
  app.post(/.*/, (_req, res) => answer(res));
  return app;
}

/** Sends a body as it is, in these pieces. */
export const sending =
  (type: string, ...pieces: (string | Uint8Array)[]) =>
  (res: Response): void => {
    res.set('Content-Type', type);
    for (const piece of pieces) res.write(piece);
    res.end();
  };

/** Posts a body and reads the answer's bytes, whatever their type says. */
export function post(app: Express, path: string, body: object): request.Test {
  return request(app)
    .post(path)
    .send(body)
    .buffer(true)
    .parse((res, done) => {
      const bytes: Buffer[] = [];
      res.on('data', (chunk: Buffer) => bytes.push(chunk));
      res.on('end', () => done(null, Buffer.concat(bytes)));
    });
}
