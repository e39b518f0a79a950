import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';

const readAnyResponse = (body: unknown) => KNOWN_FORMATS.anyResponse(body);
const readStream = (text: string) => KNOWN_FORMATS.stream(text);

const sse = (...events: unknown[]): string =>
  events
    .map((data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    .join('');

const chunk = (delta: unknown, more: object = {}): object => ({
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason: null }],
  ...more,
});
const tool = (call: object): object => chunk({ tool_calls: [call] });
const callsOf = (...calls: object[]) =>
  readStream(sse(...calls.map(tool))).toolCalls?.map((call) => [call.name, call.arguments]);

describe('an event stream', () => {
  it.each([
    ['comments, ids and retries', ': hi\n\nid: 1\nretry: 10\ndata: {"text":"ab"}\n\n'],
    ['data in several lines', 'data: {"text":\ndata: "ab"}\n\n'],
    ['no space after the colon', 'data:{"text":"ab"}\n\n'],
    ['no final line end', 'data: {"text":"ab"}'],
    ['lone CRs', 'data: {"text":"a"}\r\rdata: {"text":"b"}\r\r'],
    ['mixed line ends', 'data: {"text":"a"}\r\n\r\ndata: {"text":"b"}\n\r'],
    ['a byte order mark', '\ufeffdata: {"text":"ab"}\n\n'],
    ['[DONE] with spaces', 'data: ab\n\ndata:  [DONE] \n\n'],
    ['[DONE] as JSON', 'data: "ab"\n\ndata: "[DONE]"\n\n'],
    ['events that are named', 'event: token\ndata: ab\n\nevent: ping\ndata: x\n\n'],
    ['no blank line between its events', 'data: {"text":"a"}\ndata: {"text":"b"}\ndata: [DONE]\n'],
    ['no blank line, and cut in its JSON', 'data: {"text":"ab"}\ndata: {"text":" and mo'],
    ['a last event cut in its JSON', 'data: {"text":"ab"}\n\ndata: {"text":" and mo'],
    ['fields that say there is no error', 'data: {"text":"ab","error":false}\n\n'],
  ])('gives its text whole, with %s', (_what, text) => {
    expect(readStream(text)).toMatchObject({ output: 'ab', error: undefined });
  });

  it('keeps a text of several lines as it is', () => {
    expect(readStream('data: {"a"\ndata: said Ann\n\n').output).toBe('{"a"\nsaid Ann');
  });

  it('keeps a token that repeats all before it, and drops a last event that sums them up', () => {
    const tokens = [{ text: 'ha' }, { text: 'ha' }, { text: 'haha' }];
    expect(readStream(sse(...tokens)).output).toBe('hahahaha');
    expect(readStream(sse(...tokens, { done: true, text: 'hahahaha' })).output).toBe('hahahaha');
  });

  it.each([
    ['an error event of text', 'event: error\ndata: overloaded\n\n', 'overloaded'],
    ['an error event of JSON', 'event: error\ndata: {"message":"overloaded"}\n\n', 'overloaded'],
    ['an error that is a string', sse({ error: 'overloaded' }), 'overloaded'],
    [
      'an error that is an object',
      sse({ error: { message: 'overloaded', code: 1 } }),
      'overloaded',
    ],
    [
      'an object that is an error',
      sse({ object: 'error', message: 'overloaded', type: 'x', code: 500 }),
      'overloaded',
    ],
    ['an error of another shape', sse({ error: { code: 529 } }), '{"code":529}'],
  ])('reports %s, at its begin, in the app shape and among chunks', (_what, event, error) => {
    const ours = sse({ text: 'Lis' });
    const theirs = sse(chunk({ content: 'Lis' }));
    expect(readStream(event)).toMatchObject({ output: '', error });
    expect(readStream(ours + event)).toMatchObject({ output: 'Lis', error });
    expect(readStream(theirs + event)).toMatchObject({ output: 'Lis', error });
    expect(readStream(event + theirs)).toMatchObject({ output: 'Lis', error });
  });

  it('is read in linear time, whatever its line ends', () => {
    const line = `data: ${JSON.stringify({ text: 'x'.repeat(20) })}`;
    const took = (text: string): number => {
      const begin = performance.now();
      readStream(text);
      return performance.now() - begin;
    };
    const plain = took(`${line}\n\n`.repeat(60_000));
    // Quadratic, these took hundreds of times as long.
    expect(took(`${line}\r\r`.repeat(60_000))).toBeLessThan(plain * 20 + 500);
    expect(took(`${`${line}\n\n`.repeat(60_000)}data: a\r`)).toBeLessThan(plain * 20 + 500);
  });

  it('never throws and never answers [object Object], whatever it holds', () => {
    const part = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom('[DONE]', '{"choices":[{"delta":'),
    );
    const line = fc.tuple(
      fc.constantFrom('data: ', 'event: ', ': ', '', 'event: error\ndata: '),
      part,
    );
    const delta = fc.dictionary(
      fc.constantFrom('content', 'tool_calls', 'reasoning', 'refusal', 'role'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(delta), (lines, deltas) => {
        const text = lines.map(([field, data]) => `${field}${data}\n`).join('\n');
        for (const stream of [text, sse(chunk({ content: 'a' }), ...deltas.map((d) => chunk(d)))]) {
          const { output, error = '' } = readStream(stream);
          if (!stream.includes('[object')) expect(output + error).not.toContain('[object');
        }
      }),
    );
  });
});

describe('OpenAI chunks', () => {
  it.each([
    ["Azure's filter results", { choices: [], prompt_filter_results: [] }],
    ['a chunk without choices', { object: 'chat.completion.chunk' }],
    ['a chunk of no choices', { choices: [] }],
    ['a null delta', { choices: [{ index: 0, delta: null }] }],
    ["an event of the app's own", { task_id: 'task_1' }],
  ])('are recognised behind %s', (_what, first) => {
    expect(readStream(sse(first, chunk({ content: 'Hi' }, { model: 'm' })))).toMatchObject({
      output: 'Hi',
      model: 'm',
      isExact: true,
      raw: { object: 'chat.completion', choices: [{ message: { content: 'Hi' } }] },
    });
  });

  it('give the first of several answers as the output, whichever begins', () => {
    const choice = (index: number, content: string) => ({
      choices: [{ index, delta: { content } }],
    });
    expect(
      readStream(sse(choice(1, 'B'), choice(0, 'a'), choice(1, 'b'), choice(0, 'A'))),
    ).toMatchObject({
      output: 'aA',
      raw: { choices: [{ index: 0 }, { index: 1, message: { content: 'Bb' } }] },
    });
  });

  it.each([
    [
      'indexed, in pieces',
      [
        { index: 0, id: 'a', function: { name: 'one', arguments: '' } },
        { index: 1, id: 'b', function: { name: 'two', arguments: '{' } },
        { index: 0, function: { arguments: '{}' } },
        { index: 1, function: { arguments: '}' } },
      ],
    ],
    [
      'whole, without an index',
      [
        { id: 'a', function: { name: 'one', arguments: '{}' } },
        { id: 'b', function: { name: 'two', arguments: '{}' } },
      ],
    ],
    [
      'whole, without index or id',
      [
        { function: { name: 'one', arguments: '{}' } },
        { function: { name: 'two', arguments: '{}' } },
      ],
    ],
    [
      'whole, all at index 0',
      [
        { index: 0, id: 'a', function: { name: 'one', arguments: '{}' } },
        { index: 0, id: 'b', function: { name: 'two', arguments: {} } },
      ],
    ],
    [
      'in pieces with a new id each',
      [
        { index: 0, id: 'a', function: { name: 'one' } },
        { index: 0, id: 'b', function: { arguments: '{}' } },
        { index: 1, id: 'c', function: { name: 'two' } },
        { index: 1, id: 'd', function: { name: null, arguments: '{}' } },
      ],
    ],
  ])('keep tool calls apart: %s', (_how, calls) => {
    expect(callsOf(...calls)).toEqual([
      ['one', '{}'],
      ['two', '{}'],
    ]);
  });

  it('keep thinking out of the output, and in its own place', () => {
    const deltas = [
      { reasoning_content: 'a' },
      { reasoning_content: '', reasoning: 'b' },
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'c' }] }] },
      { content: [{ type: 'thinking', text: 'not shown' }] },
      { content: [{ type: 'text', text: 'Hi' }] },
      { content: null, refusal: null },
    ];
    expect(readStream(sse(...deltas.map((delta) => chunk(delta))))).toMatchObject({
      output: 'Hi',
      reasoning: 'abc',
    });
  });

  it('give a refusal as the output, and the last usage that is set', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    expect(
      readStream(
        sse(
          chunk({ refusal: 'I ' }, { usage: null }),
          chunk({ refusal: 'cannot' }),
          { choices: [], usage },
          chunk({}, { usage: null }),
        ),
      ),
    ).toMatchObject({ output: 'I cannot', usage });
  });
});

describe('an answer in JSON', () => {
  it.each([
    [{ answer: 'a', error: '' }, undefined],
    [{ answer: 'a', error: null, detail: 'high' }, undefined],
    [{ detail: 'Not found' }, 'Not found'],
    [{ error: { message: 'slow down' } }, 'slow down'],
    [{ error: 'no' }, 'no'],
  ])('%j has the error %j', (body, error) => {
    expect(readAnyResponse(body)?.error).toBe(error);
  });
});
