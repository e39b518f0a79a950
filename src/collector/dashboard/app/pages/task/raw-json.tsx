import { useMemo } from 'preact/hooks';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Disclosure } from '../../parts/disclosure.tsx';
import { CutText } from '../../text/cut-text.tsx';
import { jsonText } from '../../text/json-text.ts';

export function RawJson({ value }: { value: unknown }) {
  return (
    <section class="card flush" aria-label="Raw JSON">
      <Disclosure title="Raw JSON">
        <Text value={value} />
      </Disclosure>
    </section>
  );
}

function Text({ value }: { value: unknown }) {
  const text = useMemo(() => jsonText(value), [value]);
  return (
    <>
      <CopyButton text={text} />
      <CutText text={text} mono />
    </>
  );
}
