import { count as told } from '../format/numbers.ts';

/** Below a list that was cut. */
export function Rest({ count }: { count: number }) {
  if (count <= 0) return null;
  return <p class="muted">{told(count)} more are in the raw JSON.</p>;
}
