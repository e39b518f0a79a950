import type { Kind } from './kind.ts';
import * as node from './node.ts';
import * as plain from './plain.ts';
import * as responses from './responses.ts';
import * as web from './web.ts';

/** Every kind of result that a wrapped function may have. */
export const KINDS = { ...plain, ...web, ...node, ...responses } as unknown as {
  [name: string]: Kind<unknown>;
};
