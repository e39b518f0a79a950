const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const scaled = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

const UNITS: [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** 1,234 · 12.3 k · 1.2 M */
export function count(value: number): string {
  return value < 10_000 ? whole.format(value) : short(value);
}

/** As short as an axis needs it: 800 · 1.5 k */
export function short(value: number): string {
  // What would round up to 1,000 of a unit is 1 of the next.
  const unit = UNITS.find(([size]) => value >= size * 0.99995);
  return unit === undefined ? scaled.format(value) : `${scaled.format(value / unit[0])} ${unit[1]}`;
}

export function share(part: number, all: number): string {
  return all === 0 ? '–' : percent.format(part / all);
}

export function bytes(length: number): string {
  if (length < 1000) return `${length} B`;
  return length < 999_500 ? `${Math.round(length / 1000)} kB` : `${(length / 1e6).toFixed(1)} MB`;
}

export function plural(amount: number, one: string, many: string): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
