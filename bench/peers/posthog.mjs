// PostHog: an `$ai_generation` event after each call, at its defaults.

import { PostHog } from 'posthog-node';

export function create({ url }) {
  const posthog = new PostHog('phc_bench', { host: url });
  return {
    wrap: (call) => async (input) => {
      const started = performance.now();
      const output = await call(input);
      posthog.capture({
        distinctId: 'user_1',
        event: '$ai_generation',
        properties: {
          $ai_model: output.model,
          $ai_input: input.messages,
          $ai_output_choices: output.choices.map((choice) => choice.message),
          $ai_input_tokens: output.usage.prompt_tokens,
          $ai_output_tokens: output.usage.completion_tokens,
          $ai_latency: (performance.now() - started) / 1000,
        },
      });
      return output;
    },
    flush: () => posthog.flush(),
  };
}
