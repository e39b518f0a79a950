import type OpenAI from 'openai';
import type { Chunk } from './chat-service.ts';

/** The chunks of one answer as the whole that the same call gives without `stream`. */
export async function completionOf(chunks: AsyncIterable<Chunk>): Promise<OpenAI.ChatCompletion> {
  let last: Chunk | undefined;
  let content = '';
  let finish: OpenAI.ChatCompletionChunk.Choice['finish_reason'] = null;
  for await (const chunk of chunks) {
    last = chunk;
    const [choice] = chunk.choices;
    content += choice?.delta.content ?? '';
    finish = choice?.finish_reason ?? finish;
  }
  if (last === undefined) throw new Error('the model answered nothing');
  const { id, created, model, usage } = last;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        finish_reason: finish ?? 'stop',
        logprobs: null,
      },
    ],
    ...(usage ? { usage } : {}),
  };
}
