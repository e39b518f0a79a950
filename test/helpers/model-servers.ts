import { vi } from 'vitest';

/** What a provider answers to the next request, and how. */
export interface Answer {
  body: string | Uint8Array | object;
  type?: string;
  status?: number;
  headers?: Record<string, string>;
}

const OLLAMA_LINES = 'application/x-ndjson';

/** A `fetch` that answers from a list, the last one for ever, and keeps what it was asked. */
export function fakeFetch(...answers: Answer[]) {
  return vi.fn(async (_url: unknown, init?: RequestInit): Promise<Response> => {
    init?.signal?.throwIfAborted();
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const { body, type = 'application/json', status = 200, headers = {} } = answer as Answer;
    const bytes =
      body instanceof Uint8Array
        ? body
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return new Response(inPieces(bytes, init?.signal), {
      status,
      headers: { 'content-type': type, ...headers },
    });
  });
}

/** As a network would bring it: a piece each time it is asked for, cut anywhere, and broken off by the signal. */
function inPieces(bytes: Uint8Array, signal: AbortSignal | null | undefined): ReadableStream {
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted) return controller.error(signal.reason);
        if (at >= bytes.length) return controller.close();
        const end = at + Math.max(40, Math.ceil(bytes.length / 50));
        controller.enqueue(bytes.subarray(at, end));
        at = end;
      },
    },
    { highWaterMark: 0 },
  );
}

export const events = (list: readonly object[], done = true): Answer => ({
  type: 'text/event-stream',
  body: `${list
    .map(
      (data) => `${'type' in data ? `event: ${data.type}\n` : ''}data: ${JSON.stringify(data)}\n\n`,
    )
    .join('')}${done ? 'data: [DONE]\n\n' : ''}`,
});

export const lines = (list: readonly object[]): Answer => ({
  type: OLLAMA_LINES,
  body: list.map((line) => `${JSON.stringify(line)}\n`).join(''),
});
