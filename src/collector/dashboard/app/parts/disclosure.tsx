import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** Its content is made only once it is opened: it may be a megabyte. */
export function Disclosure({
  title,
  open: openAtFirst = false,
  children,
}: {
  title: ComponentChildren;
  open?: boolean;
  children: ComponentChildren;
}) {
  const [open, setOpen] = useState(openAtFirst);
  return (
    <details class="disclosure" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron" size={14} />
        {title}
      </summary>
      {open && <div class="disclosure-body">{children}</div>}
    </details>
  );
}
