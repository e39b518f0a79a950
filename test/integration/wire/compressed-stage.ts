import compression from 'compression';
import type { Middleware } from 'phospho-express';
import type { ExpressModule } from '../../helpers/express-versions.ts';
import type { Step } from './programs.ts';
import { type Http1Stage, onExpress, type Stage } from './stages.ts';

/** compression in front of the others, or behind them; it works on a thread of its own, so that how its output is cut is chance. */
export function compressed(
  express: ExpressModule,
  middlewares: readonly Middleware[],
  order: 'before' | 'after',
): Stage {
  const compress = compression({ threshold: 0 }) as unknown as Middleware;
  const all = order === 'before' ? [compress, ...middlewares] : [...middlewares, compress];
  const stage = onExpress(express, all, 'after') as Http1Stage;
  stage.headers = ['Accept-Encoding: gzip'];
  stage.isCutByChance = true;
  stage.isBroken = isBroken;
  return stage;
}

/**
 * How far it has come when a connection is cut, or some turns after the end, is chance; what is no body, and
 * status 99, it never answers.
 */
function isBroken(step: Step, hasEnded: boolean): boolean {
  if (step.do === 'turn') return hasEnded;
  if (step.do === 'destroy' || step.do === 'leave' || step.do === 'throw') return true;
  if (step.do === 'write' || step.do === 'end') {
    const isNothing = step.as === 'nothing' && (step.do === 'write' || step.callback);
    return isNothing || step.as === 'number' || step.as === 'null';
  }
  return step.do === 'writeHead' && step.status === 99;
}
