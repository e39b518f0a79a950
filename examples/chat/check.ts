import { isDeepStrictEqual } from 'node:util';
import { SingleBar } from 'cli-progress';
import { createParser } from 'eventsource-parser';
import type { ChatCompletion } from 'openai/resources';
import type { Flag, JsonObject, Ledger, Step } from 'phospho-express';
import { isBalanced } from 'phospho-express/testing';
import type { Chunk, Message } from './chat-service.ts';
import type { Conversation, Turn } from './conversations.ts';
import type { Stack } from './stack.ts';

/** The last line of `npm run demo -- --check`. */
export interface CheckResult {
  exchanges: number;
  stored: number;
  outputs_equal: number;
  flags_sent: number;
  flags_stored: number;
  ledger_ok: boolean;
}

/** What a stored task must be equal to. */
interface Expected extends Turn {
  taskId: string;
  session: string;
  model: string;
  flag: Flag | undefined;
}

/** Conversations under way at once: as in a real app, their tasks interleave. */
const AT_ONCE = 4;

/**
 * Plays every turn through the chat app over HTTP, as its users would: half as JSON, half streamed, a
 * thumb for every third answer. Then reads all of it back through the client and compares.
 */
export async function check(
  stack: Stack,
  conversations: readonly Conversation[],
): Promise<CheckResult> {
  const bar = new SingleBar({ format: 'exchanges [{bar}] {value}/{total}', clearOnComplete: true });
  bar.start(conversations.flatMap(({ turns }) => turns).length, 0);
  const expected: Expected[] = [];
  const waiting = [...conversations];
  const play = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await playConversation(stack.chatUrl, next, expected, () => bar.increment());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, play));
  bar.stop();
  const ledger = await stack.phospho.flush();
  return compare(stack, expected, ledger);
}

export function isGood(result: CheckResult): boolean {
  const { exchanges, stored, outputs_equal, flags_sent, flags_stored, ledger_ok } = result;
  return (
    exchanges > 0 &&
    isDeepStrictEqual([stored, outputs_equal, flags_stored], [exchanges, exchanges, flags_sent]) &&
    ledger_ok
  );
}

async function playConversation(
  chatUrl: string,
  { session, model, turns }: Conversation,
  expected: Expected[],
  onTurn: () => void,
): Promise<void> {
  const messages: Message[] = [];
  for (const turn of turns) {
    messages.push({ role: 'user', content: turn.input });
    const number = expected.length + 1;
    const entry: Expected = { ...turn, session, model, taskId: '', flag: undefined };
    expected.push(entry);
    const stream = number % 2 === 0;
    const response = await post(`${chatUrl}/api/chat`, {
      session_id: session,
      model,
      messages,
      stream,
    });
    const answer = stream ? await readStream(response) : await readWhole(response);
    if (answer !== turn.output) console.error(`${session}: the app did not answer as recorded`);
    messages.push({ role: 'assistant', content: answer });
    entry.taskId = response.headers.get('x-phospho-task-id') ?? '';
    if (number % 3 === 0) {
      entry.flag = number % 2 === 0 ? 'success' : 'failure';
      const sent = await post(`${chatUrl}/phospho/flag`, {
        task_id: entry.taskId,
        token: response.headers.get('x-phospho-feedback-token'),
        raw_flag: entry.flag === 'success' ? '👍' : '👎',
        notes: `thumb for exchange ${number}`,
      });
      await sent.text();
    }
    onTurn();
  }
}

async function compare(
  { phospho }: Stack,
  expected: readonly Expected[],
  ledger: Ledger,
): Promise<CheckResult> {
  const tasks = await phospho.client.tasks.list({ limit: 10_000 });
  const stored = new Map(tasks.map((task) => [task.id, task.content]));
  const found = expected.filter((turn) => {
    const task = stored.get(turn.taskId);
    return (
      task?.session_id === turn.session &&
      task.input === turn.input &&
      tellsHow(task.metadata ?? {}, turn)
    );
  });
  const flagged = expected.filter(({ flag }) => flag !== undefined);
  const { events, flags } = ledger;
  return {
    exchanges: expected.length,
    // A task too many is as wrong as one too few.
    stored: tasks.length === found.length ? found.length : tasks.length,
    outputs_equal: expected.filter(({ taskId, output }) => stored.get(taskId)?.output === output)
      .length,
    flags_sent: flagged.length,
    flags_stored: flagged.filter(({ taskId, flag }) => stored.get(taskId)?.flag === flag).length,
    ledger_ok:
      isBalanced(ledger) &&
      events.captured === expected.length &&
      events.delivered === expected.length &&
      flags.captured === flagged.length &&
      flags.delivered === flagged.length,
  };
}

/** Model, tokens, and what the model was asked and answered within the request. */
function tellsHow(metadata: JsonObject, { model, input, output }: Expected): boolean {
  const { prompt_tokens: asked, completion_tokens: answered, steps } = metadata;
  const [step] = (steps ?? []) as Step[];
  return (
    metadata.model === model &&
    Number(asked) > 0 &&
    Number(answered) > 0 &&
    step?.input === input &&
    step.output === output
  );
}

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}

async function readWhole(response: Response): Promise<string> {
  const { choices } = (await response.json()) as ChatCompletion;
  return choices[0]?.message.content ?? '';
}

async function readStream(response: Response): Promise<string> {
  let text = '';
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') return;
      const { choices } = JSON.parse(data) as Chunk;
      text += choices[0]?.delta.content ?? '';
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
  return text;
}
