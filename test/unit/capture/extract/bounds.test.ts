import { describe, expect, it } from 'vitest';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';

const COUNT = 100_000;
const many = (event: (index: number) => object): object[] =>
  Array.from({ length: COUNT }, (_, index) => event(index));
const read = (items: object[]) => KNOWN_FORMATS.items(items);

/** Streams that number their parts, or name their fields, without end. */
const HOSTILE: [string, (index: number) => object][] = [
  [
    'tool calls of a chat',
    (index) => ({
      choices: [{ delta: { tool_calls: [{ index, id: `${index}`, function: { name: 'f' } }] } }],
    }),
  ],
  ['choices of a chat', (index) => ({ choices: [{ index, delta: { content: 'a' } }] })],
  ['fields of a chat', (index) => ({ choices: [{ delta: {} }], [`k${index}`]: index })],
  ['choices of a completion', (index) => ({ choices: [{ index, text: 'a' }] })],
  [
    'items of a response',
    (index) => ({
      type: 'response.output_item.added',
      output_index: index,
      item: { type: 'function_call', name: 'f' },
    }),
  ],
  [
    'parts of an item',
    (index) => ({
      type: 'response.output_text.delta',
      output_index: 0,
      content_index: index,
      delta: 'a',
    }),
  ],
  [
    'fields of a response',
    (index) => ({ type: 'response.in_progress', response: { [`k${index}`]: index } }),
  ],
  [
    'blocks of a message',
    (index) => ({
      type: 'content_block_start',
      index,
      content_block: { type: 'tool_use', name: 'f', input: {} },
    }),
  ],
  [
    "blocks of Converse's",
    (contentBlockIndex) => ({
      contentBlockStart: { contentBlockIndex, start: { toolUse: { name: 'f' } } },
    }),
  ],
  [
    "parts of Gemini's",
    () => ({ candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: {} } }] } }] }),
  ],
  [
    "calls of Cohere's",
    (index) => ({
      type: 'content-delta',
      index,
      delta: { message: { tool_calls: { id: `${index}`, function: { name: 'f' } } } },
    }),
  ],
  [
    "calls of Ollama's",
    () => ({
      model: 'm',
      created_at: 'x',
      done: false,
      message: { tool_calls: [{ function: { name: 'f' } }] },
    }),
  ],
  [
    "calls of the AI SDK's",
    (index) => ({ type: 'tool-input-available', toolCallId: `${index}`, toolName: 'f', input: {} }),
  ],
];

describe('a hostile stream', () => {
  it.each(HOSTILE)('of %s without end is bounded', (_what, event) => {
    const { toolCalls = [], metadata, raw, isExact } = read(many(event));
    expect(isExact).toBe(true);
    expect(toolCalls.length).toBeLessThanOrEqual(1_000);
    expect(Number(metadata?.choices ?? 0)).toBeLessThanOrEqual(1_000);
    const fields = Object.values(Object(raw)).filter(Array.isArray);
    for (const list of fields) expect(list.length).toBeLessThanOrEqual(1_000);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'whose names are %s is read as any other',
    (name) => {
      const named = JSON.parse(`{"${name}":{"polluted":true}}`);
      const events: object[] = [
        { type: `response.${name}.delta`, output_index: 0, delta: 'x' },
        { type: 'content_block_delta', index: name, delta: { type: name, [name]: 'x' } },
        {
          choices: [{ index: name, delta: { ...named, tool_calls: [named] }, ...named }],
          ...named,
        },
        { candidates: [{ content: { parts: [{ functionCall: named }, named] }, ...named }] },
        { type: 'text-delta', id: name, delta: 'x', messageMetadata: named },
      ];
      for (const event of events) {
        const { output, error } = read([event, event]);
        expect(`${output} ${error}`).not.toContain('[object');
      }
      expect(Object(Object.create(null)).polluted).toBeUndefined();
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    },
  );
});
