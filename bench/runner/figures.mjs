/** Median, least and most of a list of numbers. */
export function summary(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

// What a figure may be at most or must be at least. A budget is met or missed by the median.

export const atMost = (limit) => ({ text: `≤ ${limit}`, isMet: (value) => value <= limit });
export const below = (limit) => ({ text: `< ${limit}`, isMet: (value) => value < limit });
export const atLeast = (limit) => ({ text: `≥ ${limit}`, isMet: (value) => value >= limit });
