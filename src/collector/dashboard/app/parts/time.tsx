import { useEffect, useState } from 'preact/hooks';
import { ago, fullTime, isoTime, mediumTime } from '../format/times.ts';

const TICK_MS = 15_000;

/** "5 min ago", kept true while the page is open. */
export function Ago({ seconds }: { seconds: number }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    setNow(Date.now() / 1000);
    const timer = setInterval(() => setNow(Date.now() / 1000), TICK_MS);
    return () => clearInterval(timer);
  }, [seconds]);
  return (
    <time dateTime={isoTime(seconds)} title={fullTime(seconds)}>
      {ago(seconds, now)}
    </time>
  );
}

export function Moment({ seconds }: { seconds: number }) {
  return (
    <time dateTime={isoTime(seconds)} title={fullTime(seconds)}>
      {mediumTime(seconds)}
    </time>
  );
}
