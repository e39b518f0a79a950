import { describe, expect, test } from 'vitest';
import { splitWords } from '../../../src/collector/store/search/split-words.ts';

const split = (rates: Record<string, number>, tasks = 1_000_000) =>
  splitWords(new Map(Object.entries(rates)), tasks, 51);

describe('a page of matches among a million tasks', () => {
  test('of a rare word is asked of the index alone', () => {
    expect(split({ rare: 0.001 })).toEqual({ indexed: ['rare'], checked: [] });
  });

  test('of a common word is met by walking along the time', () => {
    expect(split({ common: 0.5 })).toEqual({ indexed: [], checked: ['common'] });
  });

  test('of a rare word and a common one: the index is asked for the rare one', () => {
    expect(split({ common: 0.5, rare: 0.001 })).toEqual({
      indexed: ['rare'],
      checked: ['common'],
    });
  });

  test('of words that are seldom met together is asked of the index, though each is met often', () => {
    const rates = { a: 0.02, b: 0.02, c: 0.02 };
    expect(split(rates)).toEqual({ indexed: ['a', 'b', 'c'], checked: [] });
  });
});

test('among few tasks the index is the shortest way to any word', () => {
  expect(split({ common: 0.5 }, 1000)).toEqual({ indexed: ['common'], checked: [] });
});
