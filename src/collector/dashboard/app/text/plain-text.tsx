import { useMemo } from 'preact/hooks';
import { type Run, runsOf } from './hidden.ts';

/** Captured text in the flow of a line: breaks become spaces. */
export function InlineText({ text }: { text: string }) {
  const runs = useMemo(() => runsOf(text.replace(/\s+/g, ' ')), [text]);
  return (
    <span class="captured" dir="auto">
      <Runs runs={runs} />
    </span>
  );
}

/** Captured text with its line breaks; use CutText where it may be long. */
export function PlainText({ text, mono = false }: { text: string; mono?: boolean }) {
  const runs = useMemo(() => runsOf(text), [text]);
  return (
    <div class={`captured plain ${mono ? 'mono' : ''}`} dir="auto">
      <Runs runs={runs} />
    </div>
  );
}

function Runs({ runs }: { runs: Run[] }) {
  return (
    <>
      {runs.map((run, index) =>
        typeof run === 'string' ? (
          run
        ) : (
          <code class="hidden-character" key={index}>
            {run.code}
          </code>
        ),
      )}
    </>
  );
}
