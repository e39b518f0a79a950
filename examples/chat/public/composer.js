const find = (id) => document.getElementById(id);

/** The message box with its Send and Stop. `onSend` is given the text, and says whether it took it. */
export function setUpComposer({ onSend, onStop }) {
  const [form, box, send, stop] = ['composer', 'message', 'send', 'stop'].map(find);
  const growsByItself = CSS.supports('field-sizing', 'content');

  const grow = () => {
    if (growsByItself) return;
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  };
  box.addEventListener('input', grow);
  box.addEventListener('keydown', (event) => {
    // While an input method composes, Enter chooses a word; Safari tells so only by the key code.
    const composes = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composes) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (text === '') box.focus();
    if (text === '' || !onSend(text)) return;
    box.value = '';
    grow();
  });
  stop.addEventListener('click', onStop);

  return {
    focus: () => box.focus(),
    setBusy(busy) {
      const [shown, gone] = busy ? [stop, send] : [send, stop];
      const hadFocus = document.activeElement === gone;
      shown.hidden = false;
      gone.hidden = true;
      if (hadFocus) shown.focus();
    },
  };
}
