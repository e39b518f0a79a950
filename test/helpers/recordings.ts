import { existsSync, readFileSync } from 'node:fs';

/** One recorded answer of a real provider, and what must be read from it. */
export interface Recording {
  file: string;
  format: string;
  content_type: string;
  output: string;
  model: string | null;
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens?: number };
  tool_calls: string[];
  finish: string;
}

const FOLDER = new URL('../../../shared/data/recordings/', import.meta.url);

/** Recordings lie beside the repository where it is developed; a clone elsewhere has none. */
export const hasRecordings: boolean = existsSync(new URL('expected.json', FOLDER));

export const recordings: Recording[] = hasRecordings
  ? JSON.parse(readFileSync(new URL('expected.json', FOLDER), 'utf8'))
  : [];

export function bytesOf({ file }: Recording): Buffer {
  return readFileSync(new URL(file, FOLDER));
}
