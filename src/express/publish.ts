import type { HeaderPair, ResponseHead } from './response-tap.ts';
import type { AppRequest, RequestHandle } from './types.ts';

export const TASK_ID_HEADER = 'X-Phospho-Task-Id';
export const TOKEN_HEADER = 'X-Phospho-Feedback-Token';
const EXPOSE_HEADER = 'Access-Control-Expose-Headers';

/** The headers that tell a page which task to flag, and let it. */
export function publishedHeaders(
  head: ResponseHead,
  req: AppRequest | undefined,
  handle: RequestHandle,
): HeaderPair[] {
  // A shared cache would hand one user's token to all others.
  if (/\bpublic\b/i.test(head.get('cache-control') ?? '')) return [];
  const { taskId, feedbackToken } = handle;
  const pairs: HeaderPair[] = [[TASK_ID_HEADER, taskId]];
  if (feedbackToken !== '') pairs.push([TOKEN_HEADER, feedbackToken]);
  // Without it a script of another origin cannot read them, whatever CORS allows otherwise.
  if (req?.headers.origin !== undefined) {
    const exposed = head.get('access-control-expose-headers');
    const ours = `${TASK_ID_HEADER}, ${TOKEN_HEADER}`;
    pairs.push([EXPOSE_HEADER, exposed ? `${exposed}, ${ours}` : ours]);
  }
  return pairs;
}
