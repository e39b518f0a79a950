import { describeError } from '../../internal/hooks.ts';
import { retryAfterMs } from '../../internal/retry-after.ts';
import type { ResolvedJudge } from './options.ts';
import { type Message, VERDICT_SCHEMA } from './prompt.ts';

/** How the model is told to answer in JSON: strictly by a schema, loosely, or by the prompt alone. */
export const FORMATS = ['json_schema', 'json_object', 'none'] as const;
export type Format = (typeof FORMATS)[number];

/** An attempt that brought no answer. */
export class AttemptError extends Error {
  /** Undefined where there was no answer at all. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get isPassing(): boolean {
    return this.status === undefined || this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

/** A verdict is short: what is longer is no verdict. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * One request to `/chat/completions`.
 *
 * @throws AttemptError where there is no 2xx answer in JSON in time
 * @throws the signal's reason where it is aborted
 */
export async function complete(
  judge: ResolvedJudge,
  messages: readonly Message[],
  format: Format,
  signal: AbortSignal,
): Promise<unknown> {
  const timeout = AbortSignal.timeout(judge.timeoutMs);
  try {
    const response = await fetch(`${judge.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(judge.apiKey !== undefined && { authorization: `Bearer ${judge.apiKey}` }),
      },
      body: JSON.stringify({ model: judge.model, messages, ...formatOf(format) }),
      // The key and the texts go to this address and no other.
      redirect: 'error',
      signal: AbortSignal.any([timeout, signal]),
    });
    const text = await textOf(response);
    if (!response.ok) {
      throw new AttemptError(
        `the judge answered ${response.status}: ${withoutKey(text, judge).slice(0, 300)}`,
        response.status,
        retryAfterMs(response.headers.get('retry-after') ?? undefined),
      );
    }
    return jsonOf(text);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AttemptError) throw error;
    if (timeout.aborted)
      throw new AttemptError(`the judge did not answer within ${judge.timeoutMs} ms`);
    const { cause } = error as { cause?: unknown };
    throw new AttemptError(`the judge cannot be reached: ${describeError(cause ?? error)}`);
  }
}

function withoutKey(text: string, { apiKey }: ResolvedJudge): string {
  return apiKey === undefined ? text : text.replaceAll(apiKey, '[key]');
}

function formatOf(format: Format): object {
  if (format === 'none') return {};
  if (format === 'json_object') return { response_format: { type: 'json_object' } };
  const json_schema = { name: 'verdict', strict: true, schema: VERDICT_SCHEMA };
  return { response_format: { type: 'json_schema', json_schema } };
}

async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  for (let bytes = 0; ; ) {
    const part = await reader?.read();
    if (part?.value === undefined) return Buffer.concat(parts).toString('utf8');
    bytes += part.value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      reader?.cancel().catch(() => undefined);
      throw new AttemptError(`the judge’s answer is longer than ${MAX_ANSWER_BYTES} bytes`, 200);
    }
    parts.push(part.value);
  }
}

/** What is no JSON is read as a verdict that is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
