/** Tasks a transaction, and the bytes of their texts: other writers wait for so long. */
export const TASKS_PER_STEP = 500;
const BYTES_PER_STEP = 8 * 2 ** 20;

/** Those that one step takes: at least one, however large. */
export function within<Task extends { bytes: number }>(tasks: readonly Task[]): Task[] {
  let bytes = 0;
  return tasks.filter((task, index) => {
    bytes += task.bytes;
    return index === 0 || bytes <= BYTES_PER_STEP;
  });
}
