import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TaskContent } from '../../../../../types.ts';
import { plural } from '../../format/numbers.ts';
import { Disclosure } from '../../parts/disclosure.tsx';
import { AnswerView } from './answer-view.tsx';
import { MessageView, PartView } from './message-view.tsx';
import { conversationOf } from './messages.ts';

/** Up to this many are shown at once; of more, the last few. */
const MAX_SHOWN = 4;
const SHOWN_OF_MORE = 2;

export function ConversationView({ task }: { task: TaskContent }) {
  const { system, messages } = useMemo(() => conversationOf(task), [task]);
  const [all, setAll] = useState(false);
  const section = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    // The button that was pressed for them is gone.
    if (all) section.current?.focus({ preventScroll: true });
  }, [all]);
  const hidden = all || messages.length <= MAX_SHOWN ? 0 : messages.length - SHOWN_OF_MORE;
  return (
    <section class="conversation" aria-label="Conversation" tabIndex={-1} ref={section}>
      {system.length > 0 && (
        <Disclosure title="System prompt">
          {system.flatMap(({ parts }, message) =>
            parts.map((part, index) => (
              <PartView key={`${message} ${index}`} part={part} markdown={false} />
            )),
          )}
        </Disclosure>
      )}
      {hidden > 0 && (
        <button type="button" class="earlier" onClick={() => setAll(true)}>
          {plural(hidden, 'earlier message', 'earlier messages')}
        </button>
      )}
      {messages.slice(hidden).map((message, index) => (
        <MessageView key={hidden + index} message={message} />
      ))}
      <AnswerView task={task} />
    </section>
  );
}
