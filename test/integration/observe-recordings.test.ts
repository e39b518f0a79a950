import Anthropic from '@anthropic-ai/sdk';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { fakeFetch } from '../helpers/model-servers.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { bytesOf, hasRecordings, type Recording, recordings } from '../helpers/recordings.ts';

const QUESTION = 'Invent a holiday.';
const messages = [{ role: 'user' as const, content: QUESTION }];

type Call = (client: never, stream: boolean) => Promise<unknown>;

/** One door of an SDK: makes its client, calls it, and answers what the call gave. */
interface Door {
  name: string;
  format: string;
  client: (fetch: typeof globalThis.fetch) => object;
  call: Call;
}

const openai = (fetch: typeof globalThis.fetch) => new OpenAI({ apiKey: 'k', fetch });

const DOORS: Door[] = [
  {
    name: 'openai.chat.completions.create',
    format: 'openai-chat',
    client: openai,
    call: async (client: OpenAI, stream) =>
      client.chat.completions.create({ model: 'asked', messages, stream }),
  },
  {
    name: 'groq.chat.completions.create',
    format: 'openai-chat',
    client: (fetch) => new Groq({ apiKey: 'k', fetch: fetch as never }),
    call: async (client: Groq, stream) =>
      client.chat.completions.create({ model: 'asked', messages, stream }),
  },
  {
    name: 'openai.completions.create',
    format: 'openai-completion',
    client: openai,
    call: async (client: OpenAI, stream) =>
      client.completions.create({ model: 'asked', prompt: QUESTION, stream }),
  },
  {
    name: 'openai.responses.create',
    format: 'openai-responses',
    client: openai,
    call: async (client: OpenAI, stream) =>
      client.responses.create({ model: 'asked', input: QUESTION, stream }),
  },
  {
    name: 'anthropic.messages.create',
    format: 'anthropic',
    client: (fetch) => new Anthropic({ apiKey: 'k', fetch }),
    call: async (client: Anthropic, stream) =>
      client.messages.create({ model: 'asked', max_tokens: 100, messages, stream }),
  },
  {
    name: 'anthropic.beta.messages.create',
    format: 'anthropic',
    client: (fetch) => new Anthropic({ apiKey: 'k', fetch }),
    call: async (client: Anthropic, stream) =>
      client.beta.messages.create({ model: 'asked', max_tokens: 100, messages, stream }),
  },
];

/** Whatever the SDK gives, to its end, as plain values. */
async function taken(given: unknown): Promise<unknown> {
  const isStream = typeof given === 'object' && given !== null && Symbol.asyncIterator in given;
  if (!isStream) return structuredClone(given);
  const items: unknown[] = [];
  for await (const item of given as AsyncIterable<unknown>) items.push(structuredClone(item));
  return items;
}

async function replay({ client, call }: Door, recording: Recording, isObserved: boolean) {
  const { phospho, events } = testPhospho();
  const answer = { body: bytesOf(recording), type: recording.content_type };
  const made = client(fakeFetch(answer) as never);
  if (isObserved) expect(phospho.observe(made)).toBe(made);
  const isStream = recording.content_type === 'text/event-stream';
  const given = await taken(await call(made as never, isStream));
  return { given, events: await events() };
}

const cases = DOORS.flatMap((door) =>
  recordings
    .filter(({ format }) => format === door.format)
    .map((recording) => [`${door.name} ${recording.file}`, door, recording] as const),
);

describe.skipIf(!hasRecordings)(
  hasRecordings
    ? 'recorded answers through the SDKs'
    : 'recorded answers through the SDKs (SKIPPED: ../shared/data/recordings is not here)',
  () => {
    it('are here for each door', () => {
      expect(cases.length).toBeGreaterThanOrEqual(40);
      expect(new Set(cases.map(([, door]) => door.name)).size).toBe(DOORS.length);
    });

    it.each(cases)('%s', async (_name, door, recording) => {
      const bare = await replay(door, recording, false);
      const { given, events } = await replay(door, recording, true);
      expect(given).toEqual(bare.given);
      expect(bare.events).toEqual([]);
      const [event, ...others] = events;
      expect(others).toEqual([]);
      const { prompt_tokens, completion_tokens, total_tokens } = event ?? {};
      const calls = (event?.metadata?.tool_calls ?? []) as { name: string }[];
      expect({
        input: event?.input,
        output: event?.output,
        model: event?.model,
        usage: { prompt_tokens, completion_tokens, total_tokens },
        tool_calls: calls.map(({ name }) => name),
        finish: event?.metadata?.finish_reason,
        outcome: event?.metadata?.outcome,
      }).toEqual({
        input: QUESTION,
        output: recording.output,
        model: recording.model ?? undefined,
        usage: recording.usage,
        tool_calls: recording.tool_calls,
        finish: recording.finish,
        outcome: 'complete',
      });
    });
  },
);
