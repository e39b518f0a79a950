/** Characters of input, of output and of notes that can be found. */
export const MAX_SEARCHED = 65_536;

/** What of a task is searched, as one text. */
export function searchedText(texts: {
  input: string;
  output: string | null;
  notes?: string | null;
}): string {
  const parts = [texts.input, texts.output, texts.notes];
  return spaced(
    parts
      .filter((part) => typeof part === 'string')
      .map((part) => part.slice(0, MAX_SEARCHED))
      .join('\n'),
  );
}

const MAX_WORDS = 16;

/** The words of a query as they came: only letters and digits are left, so none can be taken for a query language. */
export function queriedWords(query: string): string[] {
  return (spaced(query).replace(ACCENTS, '').match(WORD) ?? []).slice(0, MAX_WORDS);
}

/**
 * Words in lower case as SQLite's tokenizer `unicode61 remove_diacritics 2` cuts them: it takes accents from the
 * letters of ASCII only.
 */
export function wordsIn(text: string): string[] {
  // A sigma that ends a word has a letter of its own in small, which is none to SQLite.
  const lower = text.toLowerCase().replaceAll('ς', 'σ');
  const decomposed = lower.normalize('NFD').replace(ACCENTED, '$1');
  return decomposed.normalize('NFC').replace(ACCENTS, '').match(WORD) ?? [];
}

const ACCENTED = /([a-z])[\u0300-\u0331]+/g;
/** What is left of them where no letter has them built in: they end no word. */
const ACCENTS = /[\u0300-\u0331]/g;
const WORD = /[\p{L}\p{N}\p{Co}]+/gu;

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Scripts that put no spaces between words are searched by their characters. */
function spaced(text: string): string {
  const composed = text.normalize('NFC');
  return composed.search(UNSPACED) < 0 ? composed : composed.replace(UNSPACED, ' $& ');
}
