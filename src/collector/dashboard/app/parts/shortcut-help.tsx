import { useRef, useState } from 'preact/hooks';
import { shortcutsAreOn, switchShortcuts } from '../data/shortcuts.ts';
import { useShortcut } from '../data/use-shortcut.ts';
import { Icon } from './icon.tsx';

const SHORTCUTS = [
  ['/', 'Search tasks'],
  ['j', 'Next row of a list'],
  ['k', 'Previous row'],
  ['?', 'This help'],
] as const;

export function ShortcutHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [on, setOn] = useState(shortcutsAreOn());
  const open = (): void => {
    if (dialog.current?.open === false) dialog.current.showModal();
  };
  useShortcut('?', open);
  const toggle = (value: boolean): void => {
    switchShortcuts(value);
    setOn(value);
  };
  return (
    <>
      <button
        type="button"
        class="icon-button shortcut-button"
        title="Keyboard shortcuts"
        aria-label="Keyboard shortcuts"
        aria-haspopup="dialog"
        onClick={open}
      >
        <Icon name="keyboard" />
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="shortcuts-title">
        <h2 id="shortcuts-title">Keyboard shortcuts</h2>
        <dl class="shortcuts">
          {SHORTCUTS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <label class="check">
          <input
            type="checkbox"
            checked={on}
            onChange={({ currentTarget }) => toggle(currentTarget.checked)}
          />
          Use these keys
        </label>
        <button type="button" class="button" autofocus onClick={() => dialog.current?.close()}>
          Close
        </button>
      </dialog>
    </>
  );
}
