import type { KeptSpan } from './kept-span.ts';

/** A span of work with the work below it; what is no work in between is passed over. */
export interface Node {
  span: KeptSpan;
  /** By their starts. */
  children: Node[];
}

export interface TraceTree {
  /** Work that no other work contains, by start. */
  tops: Node[];
  /** The spans above one, nearest first, as far as they have come. */
  above(span: KeptSpan): KeptSpan[];
  /** Whether what contains a piece of work has not come: its parent, or a parent further up. */
  isIncomplete: boolean;
}

/** Puts a trace's spans together, the same way in whichever order they come. */
export function treeOf(given: readonly KeptSpan[]): TraceTree {
  const spans = [...given].sort(byStart);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parents = new Map<KeptSpan, KeptSpan>();
  for (const span of spans) {
    const parent = span.parentId === undefined ? undefined : byId.get(span.parentId);
    if (parent !== undefined) parents.set(span, parent);
  }
  cutCircles(spans, parents);
  const nodes = new Map(
    spans
      .filter(({ isWork }) => isWork)
      .map((span): [KeptSpan, Node] => [span, { span, children: [] }]),
  );
  const above = (span: KeptSpan): KeptSpan[] => {
    const found: KeptSpan[] = [];
    for (let at = parents.get(span); at !== undefined; at = parents.get(at)) found.push(at);
    return found;
  };
  const tops: Node[] = [];
  for (const [span, node] of nodes) {
    let at = parents.get(span);
    while (at !== undefined && !at.isWork) at = parents.get(at);
    const parent = at && nodes.get(at);
    (parent?.children ?? tops).push(node);
  }
  const isIncomplete = tops.some(({ span }) => {
    const highest = above(span).at(-1) ?? span;
    return highest.parentId !== undefined && !byId.has(highest.parentId);
  });
  return { tops, above, isIncomplete };
}

/** The JavaScript SDK's starts are whole milliseconds, so ties are frequent: what ended first comes first then. */
export function byStart(a: KeptSpan, b: KeptSpan): number {
  return a.start - b.start || a.end - b.end || (a.spanId < b.spanId ? -1 : 1);
}

/** No tracer makes spans that contain each other; a sender may. The earliest of a circle becomes its top. */
function cutCircles(spans: readonly KeptSpan[], parents: Map<KeptSpan, KeptSpan>): void {
  const isDone = new Set<KeptSpan>();
  for (const span of spans) {
    const path: KeptSpan[] = [];
    const onPath = new Set<KeptSpan>();
    let at: KeptSpan | undefined = span;
    while (at !== undefined && !isDone.has(at) && !onPath.has(at)) {
      path.push(at);
      onPath.add(at);
      at = parents.get(at);
    }
    if (at !== undefined && onPath.has(at)) {
      const circle = path.slice(path.indexOf(at)).sort(byStart);
      if (circle[0] !== undefined) parents.delete(circle[0]);
    }
    for (const passed of path) isDone.add(passed);
  }
}
