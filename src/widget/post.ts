import type { FeedbackFlag } from './types.ts';

/** Whom to tell, and of which task. */
export interface Target {
  endpoint: string;
  taskId: string | undefined;
  token: string | undefined;
}

export interface Outcome {
  status: number;
  ok: boolean;
  /** Worth another try. */
  again: boolean;
  /** Milliseconds the server wants to be left alone; 0 or NaN where it did not say. */
  after?: number;
  /** As the server answered it, else as it was asked. */
  taskId: string | undefined;
  code?: string;
  message?: string;
}

/** A request that hangs would hold up all later clicks. */
const TIMEOUT_MS = 30_000;
const MAX_RETRY_AFTER_S = 60;

/** One attempt; never rejects. `keepalive` lets it survive the user leaving the page. */
export async function post(
  { endpoint, taskId, token }: Target,
  flag: FeedbackFlag,
  notes: string | undefined,
): Promise<Outcome> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      keepalive: true,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task_id: taskId, token, flag, notes }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { status, ok, headers } = response;
    const answer = await response.json().catch(() => {});
    return {
      ...answer?.error,
      status,
      ok,
      again: /408|425|429|5../.test(`${status}`),
      // Not a number where it is a date.
      after: Math.min(Number(headers.get('retry-after')), MAX_RETRY_AFTER_S) * 1000,
      taskId: answer?.task_id ?? taskId,
    };
  } catch (error) {
    return { taskId, status: 0, ok: false, again: true, code: 'network', message: `${error}` };
  }
}
