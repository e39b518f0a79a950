import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

const SHOWN_MS = 2000;

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      // No permission, or a page that is not on a secure origin.
      setOutcome('failed');
    }
  };
  return (
    <button type="button" class="button small copy" onClick={() => void copy()}>
      <Icon name={outcome === 'copied' ? 'check' : 'copy'} size={14} />
      <span aria-live="polite">{said(outcome) ?? label}</span>
    </button>
  );
}

function said(outcome: 'copied' | 'failed' | undefined): string | undefined {
  if (outcome === undefined) return undefined;
  return outcome === 'copied' ? 'Copied' : 'Select and copy by hand';
}
