import { inspect } from 'node:util';

const REPLACEMENT = '[api key]';
const MAX_DEPTH = 20;

/** Takes a secret out of what a server or a library said, before it becomes part of an error. */
export class Scrubber {
  readonly #forms: readonly string[];

  /** A secret of less than 4 characters is none; taking it out would only garble the text. */
  constructor(secret: string) {
    const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
    this.#forms = secret.length < 4 ? [] : [...new Set(forms)];
  }

  text(text: string): string {
    return this.#forms.reduce((rest, form) => rest.replaceAll(form, REPLACEMENT), text);
  }

  /** A JSON value with the secret taken out of its strings and keys, at any depth. */
  json(value: unknown, depth: number = 0): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth === MAX_DEPTH) return '…';
    if (Array.isArray(value)) return value.map((item) => this.json(item, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.text(key), this.json(item, depth + 1)]),
    );
  }

  /** The error itself if no part of it shows the secret, else a copy of what matters in it. */
  cause(error: unknown): unknown {
    const all = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null };
    const whole = inspect(error, all);
    if (!this.#forms.some((form) => whole.includes(form))) return error;
    if (!(error instanceof Error)) return new Error(this.text(String(error)));
    const copy = new Error(this.text(error.message));
    copy.name = error.name;
    if (error.stack !== undefined) copy.stack = this.text(error.stack);
    if ('code' in error) Object.assign(copy, { code: this.text(String(error.code)) });
    return copy;
  }
}
