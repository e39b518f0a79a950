import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface Turn {
  input: string;
  output: string;
}

/** One line of a file of conversations. */
export interface Conversation {
  session: string;
  model: string;
  turns: Turn[];
}

const BUILT_IN = fileURLToPath(new URL('conversations.jsonl', import.meta.url));

/** Reads JSON lines `{session, model, turns: [{input, output}]}`; names the line that is wrong. */
export async function readConversations(path: string = BUILT_IN): Promise<Conversation[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const conversations = lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [check(JSON.parse(line))];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${path}, line ${index + 1}: ${reason}`);
    }
  });
  if (conversations.length === 0) throw new Error(`${path} holds no conversation`);
  return conversations;
}

function check(value: Partial<Conversation>): Conversation {
  const { session, model = 'replayed', turns } = value ?? {};
  if (typeof session !== 'string') throw new Error('session must be a string');
  if (typeof model !== 'string') throw new Error('model must be a string');
  if (!Array.isArray(turns) || turns.length === 0)
    throw new Error('turns must be a list, not empty');
  for (const turn of turns) {
    if (typeof turn?.input !== 'string' || typeof turn?.output !== 'string') {
      throw new Error('each turn must have an input and an output, both strings');
    }
  }
  return { session, model, turns };
}
