import type { Phospho } from 'phospho-express';

/** A turn as your database has it: the task's id beside the texts, and no token, as those expire. */
export interface Turn {
  question: string;
  answer: string;
  taskId: string;
}

const EARLIER = [
  ['What is the capital of Australia?', 'Canberra, since 1927.'],
  ['Was it ever Melbourne?', 'Yes: parliament sat there from 1901 to 1927.'],
] as const;

/** Stands for what was said, recorded and stored on earlier days. */
export function seedConversation(phospho: Phospho): Turn[] {
  return EARLIER.map(([question, answer]) => record(phospho, question, answer));
}

/** Here the app knows both texts, so it records them itself. */
export function record(phospho: Phospho, question: string, answer: string): Turn {
  const { taskId } = phospho.log({ input: question, output: answer, sessionId: 'australia' });
  return { question, answer, taskId };
}
