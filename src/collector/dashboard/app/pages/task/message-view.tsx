import type { ComponentChildren } from 'preact';
import { bytes } from '../../format/numbers.ts';
import { Rest } from '../../parts/rest.tsx';
import { CutText } from '../../text/cut-text.tsx';
import { InlineText } from '../../text/plain-text.tsx';
import { ValueView } from '../../text/value-view.tsx';
import type { Message, Part } from './messages.ts';
import { ToolCalls } from './tool-call-card.tsx';

const ROLES: Record<string, string> = {
  user: 'User',
  assistant: 'Assistant',
  tool: 'Tool',
  function: 'Tool',
  system: 'System',
  developer: 'System',
};

export function roleLabel(role: string): string {
  return Object.hasOwn(ROLES, role) ? (ROLES[role] ?? role) : role;
}

/** The frame of everything that was said: who, and what. */
export function Said({
  speaker,
  beside,
  children,
}: {
  speaker: string;
  beside?: ComponentChildren;
  children: ComponentChildren;
}) {
  const kind = Object.hasOwn(ROLES, speaker) ? speaker : 'other';
  return (
    <article class={`message ${kind}`}>
      <header class="message-head">
        <h2 class="role">
          <InlineText text={roleLabel(speaker)} />
        </h2>
        {beside}
      </header>
      <div class="message-body">{children}</div>
    </article>
  );
}

/** What a page can hold; the rest is in the raw JSON. */
const MAX_PARTS = 100;

export function MessageView({ message }: { message: Message }) {
  return (
    <Said speaker={message.role}>
      {message.parts.slice(0, MAX_PARTS).map((part, index) => (
        <PartView key={index} part={part} markdown={message.role === 'assistant'} />
      ))}
      <Rest count={message.parts.length - MAX_PARTS} />
      <ToolCalls calls={message.toolCalls} />
      {message.parts.length === 0 && message.toolCalls.length === 0 && <p class="muted">Empty</p>}
    </Said>
  );
}

export function PartView({ part, markdown }: { part: Part; markdown: boolean }) {
  if (part.kind === 'text') return <CutText text={part.text} markdown={markdown} />;
  if (part.kind === 'image') return <ImagePart url={part.url} />;
  return <ValueView value={part.value} />;
}

/** Captured images are never loaded: their address would learn of the reader. */
function ImagePart({ url }: { url: string | undefined }) {
  if (url === undefined) return <p class="attachment">Image</p>;
  if (/^data:/i.test(url)) {
    return <p class="attachment">Image, {bytes(url.length)}, inside of the request</p>;
  }
  if (!/^https?:\/\//i.test(url)) {
    return (
      <p class="attachment">
        Image: <InlineText text={url} />
      </p>
    );
  }
  return (
    <p class="attachment">
      Image:{' '}
      <a href={url} target="_blank" rel="noopener noreferrer">
        <InlineText text={url} />
      </a>
    </p>
  );
}
