import { CutText } from './cut-text.tsx';
import { jsonText } from './json-text.ts';

/** Any captured value: text as text, the rest as JSON. */
export function ValueView({ value }: { value: unknown }) {
  if (typeof value === 'string') return <CutText text={value} />;
  return <CutText text={jsonText(value)} mono />;
}
