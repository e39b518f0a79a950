import { integer, matching, refused } from '../option-checks.ts';
import { COMPARISON_MS, type JudgeOptions, type ResolvedJudge } from './options.ts';

/**
 * Fills and checks the judge's options.
 *
 * @returns undefined where no base URL is given
 * @throws PhosphoConfigError that names the option, what it takes and what came
 */
export function resolveJudge(
  options: JudgeOptions,
  environment: Readonly<Record<string, string | undefined>>,
): ResolvedJudge | undefined {
  const env = (name: string) => environment[`PHOSPHO_JUDGE_${name}`] || undefined;
  const baseUrl = options.baseUrl ?? env('BASE_URL');
  if (baseUrl === undefined) {
    if (Object.values(options).every((value) => value === undefined)) return undefined;
    throw refused('judge.baseUrl', 'the base URL that the other options of judge are for', 'none');
  }
  const apiKey = options.apiKey ?? env('API_KEY');
  return {
    baseUrl: checkUrl(baseUrl),
    apiKey: apiKey === undefined ? undefined : checkKey(apiKey),
    model: matching('judge.model', options.model ?? env('MODEL') ?? '', MODEL),
    timeoutMs: integer(
      'judge.timeoutMs',
      options.timeoutMs ?? env('TIMEOUT_MS') ?? 30_000,
      100,
      COMPARISON_MS,
    ),
    concurrency: integer(
      'judge.concurrency',
      options.concurrency ?? env('CONCURRENCY') ?? 4,
      1,
      100,
    ),
    retries: integer('judge.retries', options.retries ?? env('RETRIES') ?? 2, 0, 10),
  };
}

const MODEL = {
  pattern: /^[\x21-\x7e]{1,256}$/,
  takes: 'the name of the model that judges, e.g. gpt-4o-mini',
};

function checkUrl(value: string): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isFine =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === '');
  // What came may hold a password, so it is not repeated.
  if (!isFine) {
    const takes = 'an http(s) URL without user, query or fragment, e.g. https://api.openai.com/v1';
    throw refused('judge.baseUrl', takes, 'something else');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function checkKey(value: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value)) return value;
  throw refused('judge.apiKey', '1 to 4096 printable ASCII characters', 'something else');
}
