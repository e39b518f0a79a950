/** The results of a suite as text: its figures, then others' figures, then what went otherwise than planned. */
export function report(results) {
  const { suite, measures, rounds, seconds } = results;
  const lines = [`${suite}: ${measures}`, `${rounds} round(s) in ${seconds} s`, ''];
  lines.push(
    ...(results.isWide
      ? wideTable(results)
      : table(['figure', 'contender', 'median', 'range', 'budget', ''], figureRows(results))),
  );
  if (results.reference) {
    const { title, columns, rows } = results.reference;
    lines.push('', title, ...table(columns, rows));
  }
  const remarks = remarksOn(results);
  if (remarks.length > 0) lines.push('', ...remarks);
  return `${lines.join('\n')}\n`;
}

function figureRows({ results }) {
  let before;
  return results.map(({ figure, title, contender, digits, ...values }) => {
    const { median, min, max, budget, isMet } = values;
    const range = min === max ? '' : `${min.toFixed(digits)} – ${max.toFixed(digits)}`;
    const verdict = budget === undefined ? ['', ''] : [budget, isMet ? 'met' : 'MISSED'];
    const shown = figure === before ? '' : title;
    before = figure;
    return [shown, contender, median.toFixed(digits), range, ...verdict];
  });
}

/** A row a contender, a column a figure. */
function wideTable({ results }) {
  const figures = [...new Map(results.map((result) => [result.figure, result])).values()];
  const rows = [...new Set(results.map(({ contender }) => contender))].map((contender) => {
    const own = results.filter((result) => result.contender === contender);
    const cells = figures.map(({ figure, digits }) =>
      (own.find((result) => result.figure === figure)?.median ?? Number.NaN).toFixed(digits),
    );
    const judged = own.filter(({ budget }) => budget !== undefined);
    const missed = judged.find(({ isMet }) => !isMet);
    return [contender, ...cells, missed ? `MISSED ${missed.budget}` : `met ${judged[0]?.budget}`];
  });
  return table(['', ...figures.map(({ title }) => title), 'budget'], rows);
}

function remarksOn({ stoppedEarly, unavailable, failures, notes }) {
  return [
    ...(stoppedEarly ? ['Stopped after this round: the time was over (--time-ms).'] : []),
    ...unavailable.map(({ contender, reason }) => `${contender}: n/a (${reason})`),
    ...failures.map(({ contender, reason }) => `${contender}: FAILED: ${reason}`),
    ...notes,
  ];
}

const NUMBER = /^[-+]?\d/;

/** Columns of numbers are aligned to the right, but for the first two, which hold names. */
function table(columns, rows) {
  const isNumeric = (index) => rows.every((row) => row[index] === '' || NUMBER.test(row[index]));
  const shape = columns.map((column, index) => ({
    width: Math.max(column.length, ...rows.map((row) => row[index].length)),
    pad: index > 0 && isNumeric(index) ? 'padStart' : 'padEnd',
  }));
  const line = (cells) =>
    cells
      .map((cell, index) => cell[shape[index].pad](shape[index].width))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map(line)];
}
