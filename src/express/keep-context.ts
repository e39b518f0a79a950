import { currentScope, runInScope, type Scope } from '../capture/context.ts';
import type { AppRequest } from './types.ts';

/**
 * Ties the scope to the request, too: a body parser that calls `next` from an event of the request (multer and
 * others do) calls it in the context of the connection, which knows nothing of us, and all that follows would
 * be outside of the task.
 */
export function keepContext(req: AppRequest, scope: Scope): void {
  if (req.complete || !mayHaveBody(req)) return;
  const { emit } = req;
  req.emit = function scopedEmit(this: AppRequest, ...args: Parameters<typeof emit>): boolean {
    if (currentScope()?.task === scope.task) return emit.apply(this, args);
    return runInScope(scope, () => emit.apply(this, args));
  };
}

/** Over HTTP/2 a body need not be announced. */
function mayHaveBody({ headers, httpVersionMajor, method }: AppRequest): boolean {
  if (httpVersionMajor >= 2) return method !== 'GET' && method !== 'HEAD';
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}
