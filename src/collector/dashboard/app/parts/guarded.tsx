import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** A part of a page that must not take the rest with it: what it shows came from anywhere. */
export function Guarded({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <div class="notice error">
      <Icon name="alert" />
      This part cannot be shown. The raw JSON may tell more.
    </div>
  );
}
