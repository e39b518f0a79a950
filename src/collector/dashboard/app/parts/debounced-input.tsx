import type { TargetedInputEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useDebounced } from '../data/use-debounced.ts';

const DELAY_MS = 250;

/** A field whose value is in the address: it follows the address, except while one types. */
export function DebouncedInput({
  value,
  onValue,
  label,
  type = 'text',
  placeholder,
}: {
  value: string;
  onValue: (value: string) => void;
  label: string;
  type?: 'search' | 'text';
  placeholder?: string;
}) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const send = useDebounced((next: string) => {
    if (next === sent.current) return;
    sent.current = next;
    onValue(next);
  }, DELAY_MS);
  useEffect(() => {
    if (value === sent.current) return;
    send.cancel();
    sent.current = value;
    setText(value);
  }, [value]);
  const attributes = {
    placeholder,
    class: 'input',
    autocomplete: 'off',
    spellcheck: false,
    dir: 'auto',
    'aria-label': label,
    value: text,
    onInput: ({ currentTarget }: TargetedInputEvent<HTMLInputElement>) => {
      setText(currentTarget.value);
      send.call(currentTarget.value.trim());
    },
  } as const;
  return type === 'search' ? (
    <input type="search" {...attributes} />
  ) : (
    <input type="text" {...attributes} />
  );
}
