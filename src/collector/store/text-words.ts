/** Characters of input, of output and of notes that can be found. */
const MAX_INDEXED = 65_536;

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
      .map((part) => part.slice(0, MAX_INDEXED))
      .join('\n'),
  );
}

const MAX_WORDS = 16;

/** The words of a query: only letters and digits are left, so none can be taken for a query language. */
export function queriedWords(query: string): string[] {
  return wordsIn(spaced(query)).slice(0, MAX_WORDS);
}

/** Words in lower case and without accents, as SQLite's tokenizer `unicode61` cuts them. */
export function wordsIn(text: string): string[] {
  const folded = text.toLowerCase().normalize('NFD').replace(ACCENTS, '').normalize('NFC');
  return folded.match(WORD) ?? [];
}

const ACCENTS = /[\u0300-\u036f]/g;
const WORD = /[\p{L}\p{N}\p{Co}]+/gu;

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Scripts that put no spaces between words are searched by their characters. */
function spaced(text: string): string {
  return text.search(UNSPACED) < 0 ? text : text.replace(UNSPACED, ' $& ');
}
