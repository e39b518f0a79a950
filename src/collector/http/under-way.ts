import type { RequestHandler, Response } from 'express';
import { HttpError } from './http-error.ts';

/** The requests that the collector is answering, its own server's and those of an app that it is mounted in. */
export class UnderWay {
  readonly #open = new Set<Response>();
  #whenIdle: (() => void) | undefined;
  #isClosing = false;

  /** Counts a request; once it closes, answers 503. */
  readonly enter: RequestHandler = (_req, res, next) => {
    if (this.#isClosing) {
      next(new HttpError(503, 'The collector is shutting down', { 'retry-after': '5' }));
      return;
    }
    this.#open.add(res);
    res.once('close', () => {
      this.#open.delete(res);
      if (this.#open.size === 0) this.#whenIdle?.();
    });
    next();
  };

  /** Lets no more in. @returns when all are over, or that time is */
  close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
