import { expect, it } from 'vitest';
import { BoundedMap } from '../../../src/internal/bounded-map.ts';

it('a BoundedMap forgets its oldest entry, and only when it has to', () => {
  const map = new BoundedMap<string, number>(3);
  for (const [index, key] of ['a', 'b', 'c', 'a', 'd'].entries()) map.set(key, index);
  expect([...map]).toEqual([
    ['b', 1],
    ['c', 2],
    ['d', 4],
  ]);
  map.delete('b');
  map.set('e', 5);
  expect([...map.keys()]).toEqual(['c', 'd', 'e']);
});
