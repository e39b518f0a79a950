import type { JsonObject } from '../../types.ts';
import { parseJson, type StreamEvent } from '../sse.ts';
import { MessageBuilder, readUiMessage, sdkUsage } from './ai-sdk-message.ts';
import type { Format, StreamedParts, StreamReader, Usage } from './format.ts';
import { anyText, asString, isObject } from './text.ts';

/**
 * The Vercel AI SDK's data stream (version 4): lines such as `0:"text"`, sent as text/plain.
 * Source: https://v4.ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export const aiSdkData: Format = {
  name: 'ai-sdk-data',
  stream: ({ event }) => (event?.startsWith(PREFIX) ? new DataReader() : undefined),
};

const PREFIX = 'ai-sdk-data:';
const LINE = /^([0-9a-k]):(.+)$/;

/** Whether a text begins as such a stream does: a line with a code and JSON. */
export function isDataStream(text: string): boolean {
  const end = text.indexOf('\n');
  const first = end < 0 ? text : text.slice(0, end);
  return (
    /^(?:f:\{"messageId"|[03g]:"|[9b]:\{"toolCallId"|[28]:\[)/.test(first) &&
    parse(first) !== undefined
  );
}

function parse(line: string): StreamEvent | undefined {
  const [, code, data] = LINE.exec(line.trimEnd()) ?? [];
  const json = data === undefined ? undefined : parseJson(data);
  return json === undefined ? undefined : { event: `${PREFIX}${code}`, data: data ?? '', json };
}

/** The stream's lines as events; one that broke off is left out. */
export function readDataStream(text: string, onEvent: (event: StreamEvent) => void): void {
  for (const line of text.split('\n')) {
    const event = parse(line);
    if (event) onEvent(event);
  }
}

class DataReader implements StreamReader {
  readonly #message = new MessageBuilder();
  #error: string | undefined;
  #finish: string | undefined;
  #usage: Usage | undefined;

  push({ event, json }: StreamEvent): void {
    const code = event?.slice(PREFIX.length);
    const about: JsonObject = isObject(json) ? json : {};
    if (code === '0') this.#message.text('text', '', json);
    else if (code === 'g') this.#message.text('reasoning', '', json);
    else if (code === '3') this.#error = anyText(json);
    else if (code === 'f') this.#message.id ??= about.messageId;
    else if (code === '9' || code === 'b') {
      this.#message.tool(about.toolCallId, { toolName: about.toolName, input: about.args });
    } else if (code === 'c') this.#message.tool(about.toolCallId, {}, about.argsTextDelta);
    else if (code === 'a') this.#message.tool(about.toolCallId, { output: about.result });
    else if (code === 'd' || code === 'e') {
      this.#finish = asString(about.finishReason) ?? this.#finish;
      this.#usage = sdkUsage(about.usage) ?? this.#usage;
    }
  }

  end(): StreamedParts {
    const raw = this.#message.finish();
    const parts = readUiMessage(raw);
    return { ...parts, usage: this.#usage, finishReason: this.#finish, error: this.#error, raw };
  }
}
