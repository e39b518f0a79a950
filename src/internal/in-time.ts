/** Whether the work was done in time. Keeps the process alive meanwhile, for those who await it. */
export async function inTime(
  timeoutMs: number,
  work: Promise<unknown> | undefined,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
