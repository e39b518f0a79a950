import type { NewTask } from '../../src/collector/store/store.ts';

/** A task as it is first stored: with as little as one can have, but for what is given. */
export function newTask(task: Partial<NewTask> & Pick<NewTask, 'id'>): NewTask {
  return {
    sessionId: null,
    createdAt: 1_790_000_000,
    input: 'question',
    output: null,
    additionalInput: null,
    additionalOutput: null,
    metadata: {},
    data: null,
    flag: null,
    environment: 'test',
    testId: null,
    userId: null,
    versionId: null,
    ...task,
  };
}
