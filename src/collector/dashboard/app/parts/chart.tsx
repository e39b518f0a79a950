import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useTheme } from '../data/theme.ts';
import type { ChartSpec, Hover } from './chart-spec.ts';
import { ChartTooltip } from './chart-tooltip.tsx';
import { dataFor, optionsFor } from './uplot-options.ts';

/** The only place that knows uPlot's life: made anew for other colours, data or width. */
export function Chart({ spec, summary }: { spec: ChartSpec; summary: string }) {
  const host = useRef<HTMLDivElement>(null);
  const { revision } = useTheme();
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<Hover>();

  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (host.current === null || width === 0) return;
    const onCursor = ({ cursor, bbox }: uPlot): void => {
      const { idx, left = -1 } = cursor;
      const plotLeft = bbox.left / devicePixelRatio;
      setHover(
        typeof idx === 'number' && left >= 0
          ? { spec, index: idx, left: left + plotLeft, width }
          : undefined,
      );
    };
    const chart = new uPlot(optionsFor(spec, width, onCursor), dataFor(spec), host.current);
    return () => {
      chart.destroy();
      setHover(undefined);
    };
  }, [spec, width, revision]);

  return (
    <div class="chart">
      <div class="chart-plot" role="img" aria-label={summary} ref={host} />
      {/* Of other data, the same index is another column: until the chart is made anew, nothing is pointed at. */}
      {hover?.spec === spec && <ChartTooltip hover={hover} />}
    </div>
  );
}
