import { searchedText, wordsIn } from './text-words.ts';

/** What of a task is searched. */
export interface SearchedTexts {
  input: string;
  output: string | null;
  notes?: string | null;
}

/** Whether texts hold all of these words, or words that begin so: what the index would say. */
export function wordTest(words: readonly string[]): (texts: SearchedTexts) => boolean {
  return (texts) => {
    const held = wordsIn(searchedText(texts));
    return words.every((word) => held.some((other) => other.startsWith(word)));
  };
}
