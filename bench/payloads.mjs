/** About 1 KB of messages. */
export const MESSAGES = {
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'You are a helpful assistant. '.repeat(12) },
    { role: 'user', content: 'Tell me about the tides, please. '.repeat(18) },
  ],
};

/** About 1.5 KB of answer. */
export const COMPLETION = {
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'The moon pulls at the sea. '.repeat(44) },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 230, completion_tokens: 310, total_tokens: 540 },
};

/** What each chunk of an OpenAI stream says again. */
export const CHUNK = {
  id: 'chatcmpl-bench',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  service_tier: 'default',
  system_fingerprint: 'fp_bench',
};

const WORDS = 'the moon pulls at sea and tide turns twice a day while sand stays where it was';

/** Texts that share no memory: each is a flat string of its own, as if it had just come from a socket. */
export function textMaker(size = 1 << 20) {
  const words = WORDS.split(' ');
  let state = 12_345;
  let text = '';
  while (text.length < size) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    text += `${words[state % words.length]} `;
  }
  const bytes = Buffer.from(text, 'latin1');
  return (index, length) => {
    const from = (index * 7_919) % (size - length);
    return bytes.toString('latin1', from, from + length);
  };
}
