import { describe, expect, it } from 'vitest';
import { answeringApp, post } from '../helpers/answering-app.ts';
import { testPhospho } from '../helpers/phospho.ts';

/** The event of a request whose answer is the app's own. */
async function asked(body: object, path = '/') {
  const { phospho, events } = testPhospho();
  await post(
    answeringApp(phospho, (res) => void res.json({ answer: 'ok' })),
    path,
    body,
  );
  return events();
}

const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });

describe('a request to a provider', () => {
  it.each<[string, object, object]>([
    [
      'OpenAI chat, with parts and system turns',
      {
        model: 'm',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
          user([{ type: 'text', text: 'What is' }, { type: 'text', text: 'this?' }, image]),
        ],
      },
      { input: 'What is\nthis?\n[image]', system_prompt: 'Be brief.\nBe kind.', model: 'm' },
    ],
    [
      'OpenAI chat, after tools have answered',
      {
        messages: [
          user('Rain?'),
          { role: 'assistant', content: null, tool_calls: [{ id: 'c' }] },
          { role: 'tool', tool_call_id: 'c', content: '{"rain":true}' },
        ],
      },
      { input: 'Rain?' },
    ],
    [
      'OpenAI completions',
      { model: 'm', prompt: ['One', 'Two'], max_tokens: 5 },
      { input: 'One\nTwo', model: 'm' },
    ],
    [
      'OpenAI Responses, of a text',
      { model: 'm', input: 'Rain?', instructions: 'Be brief.' },
      { input: 'Rain?', system_prompt: 'Be brief.', model: 'm' },
    ],
    [
      'OpenAI Responses, of items',
      {
        model: 'm',
        input: [
          { role: 'system', content: 'Be kind.' },
          user([
            { type: 'input_text', text: 'Rain?' },
            { type: 'input_file', file_id: 'f' },
          ]),
          { type: 'function_call', name: 'weather', arguments: '{}', call_id: 'c' },
          { type: 'function_call_output', call_id: 'c', output: 'rain' },
        ],
      },
      { input: 'Rain?\n[file]', system_prompt: 'Be kind.', model: 'm' },
    ],
    [
      'OpenAI Responses, of nothing but what a tool has answered',
      {
        model: 'm',
        previous_response_id: 'resp_1',
        input: [{ type: 'function_call_output', call_id: 'c', output: 'rain' }],
      },
      { input: 'rain', model: 'm' },
    ],
    [
      'a chat with roles of its own',
      {
        messages: [
          { role: 'System', content: 'Be brief.' },
          { role: 'USER', content: 'Rain?' },
          { role: 'ipython', content: '{}' },
          { role: 'critic', content: null },
        ],
      },
      { input: 'Rain?', system_prompt: 'Be brief.' },
    ],
    ['a chat with texts', { messages: [{ role: 'user', text: 'Rain?' }] }, { input: 'Rain?' }],
    [
      'Bedrock, whose parts have no type',
      { messages: [user([{ text: 'Rain?' }])], system: [{ text: 'Be brief.' }] },
      { input: 'Rain?', system_prompt: 'Be brief.' },
    ],
    [
      'Vertex AI, one object for a list of one',
      {
        contents: { role: 'user', parts: { text: 'Rain?' } },
        system_instruction: { parts: { text: 'Be brief.' } },
      },
      { input: 'Rain?', system_prompt: 'Be brief.' },
    ],
    [
      'Gemini in snake case, after an empty turn and a tool',
      {
        contents: [
          { role: 'user', parts: [{ text: 'Hi' }] },
          { role: 'model', parts: [] },
          {
            role: 'user',
            parts: [{ text: 'Rain?' }, { file_data: { mime_type: 'image/png', file_uri: 'x' } }],
          },
          { role: 'model', parts: [{ function_call: { name: 'weather', args: {} } }] },
          { role: 'user', parts: [{ function_response: { name: 'weather', response: {} } }] },
        ],
      },
      { input: 'Rain?\n[image]' },
    ],
    [
      'Ollama generate, in JSON',
      { model: 'llama', prompt: 'Rain?', format: 'json', images: ['AAAA'] },
      { input: 'Rain?', model: 'llama' },
    ],
    [
      'Anthropic, whose tools answer as the user',
      {
        model: 'claude',
        system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
        messages: [
          user([
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            { type: 'document', source: { type: 'url', url: 'https://x.example/a.pdf' } },
            { type: 'text', text: 'Rain?' },
          ]),
          assistant([{ type: 'tool_use', id: 't', name: 'weather', input: {} }]),
          user([{ type: 'tool_result', tool_use_id: 't', content: 'rain' }]),
        ],
      },
      { input: '[image]\n[file]\nRain?', system_prompt: 'Be brief.', model: 'claude' },
    ],
    [
      'Cohere, version 1',
      {
        model: 'command',
        message: 'Rain?',
        preamble: 'Be brief.',
        chat_history: [{ role: 'USER', message: 'Hi' }],
      },
      { input: 'Rain?', system_prompt: 'Be brief.', model: 'command' },
    ],
    [
      'Ollama generate',
      { model: 'llama', prompt: 'Rain?', system: 'Be brief.', options: { seed: 1 } },
      { input: 'Rain?', system_prompt: 'Be brief.', model: 'llama' },
    ],
    [
      "the AI SDK's useChat",
      {
        id: 'chat-1',
        messages: [
          { id: '1', role: 'user', parts: [{ type: 'text', text: 'Rain?' }] },
          { id: '2', role: 'assistant', parts: [{ type: 'text', text: 'Where?' }] },
          {
            id: '3',
            role: 'user',
            parts: [
              { type: 'file', mediaType: 'audio/mp3', url: 'data:audio/mp3;base64,AAAA' },
              { type: 'text', text: 'Lisbon' },
            ],
          },
        ],
      },
      { input: '[audio]\nLisbon' },
    ],
    ['a bare list of messages', [user('Hi'), assistant('Yes?'), user('Rain?')], { input: 'Rain?' }],
    ['a last turn of nothing but a picture', { messages: [user([image])] }, { input: '[image]' }],
    [
      'parts of an unknown type',
      { messages: [user([{ type: 'hologram', data: {} }, { text: 'x' }, 'y', 5])] },
      { input: '[hologram]\nx\ny' },
    ],
  ])('%s', async (_what, body, event) => {
    expect(await asked(body)).toMatchObject([{ ...event, raw_input: body, output: 'ok' }]);
  });

  it.each([
    ['/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', 'gemini-2.5-flash'],
    ['/v1/projects/p/locations/l/publishers/google/models/gemini-3:generateContent', 'gemini-3'],
    ['/ask', undefined],
  ])('Gemini at %s has its model in the path', async (path, model) => {
    const body = {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        { role: 'model', parts: [{ text: 'Yes?' }] },
        {
          role: 'user',
          parts: [{ text: 'Rain?' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
        },
        { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'weather', response: {} } }] },
      ],
    };
    const [event] = await asked(body, path);
    expect(event).toMatchObject({ input: 'Rain?\n[image]', system_prompt: 'Be brief.' });
    expect(event?.model).toBe(model);
  });

  it.each<[string, object]>([
    ['embeddings', { model: 'm', input: 'text' }],
    ['embeddings of several texts', { model: 'm', input: ['one', 'two'] }],
    ['speech', { model: 'm', input: 'text', voice: 'alloy' }],
    ['a picture', { model: 'm', prompt: 'a cat', size: '512x512', stream: false }],
    ['a picture in pieces', { model: 'm', prompt: 'a cat', stream: true, partial_images: 2 }],
    ['a picture of a format', { model: 'm', prompt: 'a cat', format: 'png' }],
    ['a picture by options', { model: 'm', prompt: 'a cat', options: { seed: 1 }, width: 512 }],
    ['a transcript', { model: 'm', prompt: 'x', temperature: 0, response_format: 'srt' }],
    ['speech in pieces', { model: 'm', input: 'text', stream: true, response_format: 'mp3' }],
    ['embeddings that may be cut', { model: 'm', input: 'text', truncation: true }],
    ['embeddings of a query', { model: 'm', input: 'text', input_type: 'query', text: 'x' }],
    ['members of a team', { messages: [{ role: 'admin', email: 'a@example.org' }] }],
    ['mails to members', { messages: [{ role: 'admin', text: 'Hello' }] }],
    ['members as the input', { input: [{ role: 'admin', email: 'a@example.org' }] }],
    ['an order of parts', { contents: [{ parts: [{ sku: 1 }, 'a saddle'] }] }],
    ["Slack's message", { channel: 'C1', text: 'Hi', blocks: [{ type: 'section', text: {} }] }],
    ['a blog post', { title: 'Rain', content: 'It rains.', author: 'Ann', message: 'draft' }],
    ['a search', { query: 'rain', model: 'm', stream: false, limit: 5 }],
    ['GraphQL', { query: '{ rain }', variables: {}, operationName: 'x' }],
    ['a moderation', { model: 'm', input: [{ type: 'text', text: 'x' }] }],
    ['a form', { contents: ['a', 'b'], message: 'Hello' }],
    ['members to invite', [{ role: 'admin', email: 'a@example.org' }]],
  ])('is not %s', async (_what, body) => {
    expect(await asked(body)).toEqual([]);
  });
});
