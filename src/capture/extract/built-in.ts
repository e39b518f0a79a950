import { aiSdkData } from './ai-sdk-data.ts';
import { aiSdkResult } from './ai-sdk-result.ts';
import { aiSdkUi } from './ai-sdk-ui.ts';
import { anthropic } from './anthropic.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { cohere } from './cohere.ts';
import { cohereV1 } from './cohere-v1.ts';
import type { Format } from './format.ts';
import { gemini } from './gemini.ts';
import { messageList } from './message-list.ts';
import { chatRequest } from './messages.ts';
import { ollama } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletion } from './openai-completion.ts';
import { openaiResponses } from './openai-responses.ts';

/** The known formats; the first that recognises a body has it. */
export const BUILT_IN: readonly Format[] = [
  chatRequest,
  openaiChat,
  openaiResponses,
  anthropic,
  bedrockConverse,
  gemini,
  ollama,
  aiSdkUi,
  aiSdkData,
  aiSdkResult,
  openaiCompletion,
  cohere,
  cohereV1,
  messageList,
];
