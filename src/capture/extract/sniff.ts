/** Characters at a body's begin that tell whose it is. */
export const SNIFFED_CHARACTERS = 300;

/** Each is what only a provider's own answer begins with, in a stream or not, compact or with spaces. */
const BEGINS = [
  // OpenAI and its likes, wherever the key stands.
  /"object"\s*:\s*"(?:chat\.completion|text_completion)/,
  /"object"\s*:\s*"response".*"(?:created_at"\s*:\s*\d|output"\s*:\s*\[)|"created_at"\s*:\s*\d.*"object"\s*:\s*"response"/s,
  // Azure has its choices first, and a stream's first event is about its filter.
  /"choices"\s*:\s*\[[^[\]]{0,40}"content_filter_results"\s*:\s*\{|"prompt_filter_results"\s*:\s*\[/,
  /"choices"\s*:\s*\[[^[\]]{0,80}"(?:delta|message)"\s*:\s*\{\s*"(?:role|content|refusal|annotations|tool_calls|reasoning\w*)"\s*:/,
  /"type"\s*:\s*"response\.(?:created|in_progress|queued)"/,
  // Anthropic
  /^event: ?message_start\b|"type"\s*:\s*"message_start"\s*,\s*"message"\s*:\s*\{/m,
  /^\s*\{[^{}[\]]*"type"\s*:\s*"message"\s*,\s*"role"\s*:\s*"assistant"/,
  // Bedrock's Converse
  /"output"\s*:\s*\{\s*"message"\s*:\s*\{\s*"(?:role|content)"|\{\s*"messageStart"\s*:\s*\{[^{}]*"role"\s*:\s*"assistant"/,
  // Gemini
  /"candidates"\s*:\s*\[\s*\{\s*"content"\s*:\s*\{\s*"(?:parts"\s*:\s*\[|role"\s*:\s*"model")|\{\s*"promptFeedback"\s*:\s*\{/,
  // Cohere, versions 2 and 1
  /^event: ?message-start\b|"type"\s*:\s*"message-start"\s*,[^{}[\]]*"delta"\s*:\s*\{/m,
  /^\s*\{\s*"id"\s*:\s*"[^"]*"\s*,(?:\s*"finish_reason"\s*:\s*"[A-Z_]+"\s*,)?\s*"message"\s*:\s*\{\s*"role"\s*:\s*"assistant"\s*,\s*"(?:content"\s*:\s*\[|tool_)/,
  /^(?=.*"is_finished"\s*:\s*false).*"event_type"\s*:\s*"stream-start"/s,
  /^\s*\{(?=[^{}[\]]*"(?:text|response_id)"\s*:\s*")[^{}[\]]*"generation_id"\s*:\s*"/,
  // Ollama, whose times have nanoseconds
  /^\s*\{\s*"model"\s*:\s*"[^"]*"\s*,[^{}[\]]*"created_at"\s*:\s*"[^"]*"\s*,\s*"(?:message"\s*:\s*\{\s*"role"\s*:\s*"assistant"|response"\s*:\s*"(?:[^"\\]|\\.)*"\s*,[^{}[\]]*"done"\s*:)/,
  /^\s*\{\s*"model"\s*:\s*"[^"]*"\s*,[^{}[\]]*"created_at"\s*:\s*"[^"]*\.\d{6,9}(?:Z|[+-]\d\d:\d\d)"\s*,\s*"response"\s*:\s*"/,
  // The Vercel AI SDK
  /^(?:data: ?)?\{\s*"type"\s*:\s*"(?:text-start|start-step|reasoning-start)"/m,
];

/** A word of each of them: one look rules out nearly all other bodies. */
const HINT =
  /chat\.completion|text_completion|"response|_filter_results|"choices"|message[_-]start|"assistant"|"candidates"|"output"|"messageStart"|promptFeedback|stream-start|generation_id|"created_at"|text-start|start-step|reasoning-start/;

/** Whether a body begins as a provider's answer does. Cheap: no parsing, and a few hundred characters at most. */
export function beginsAnswer(start: string): boolean {
  return HINT.test(start) && BEGINS.some((begin) => begin.test(start));
}

/** The headers by which the Vercel AI SDK says what a stream is. */
export const AI_SDK_HEADERS: readonly string[] = [
  'x-vercel-ai-ui-message-stream',
  'x-vercel-ai-data-stream',
];
