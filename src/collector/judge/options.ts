/** The model that `POST /evals/compare` asks. Each is taken from here, else from its environment variable. */
export interface JudgeOptions {
  /**
   * Base URL of an OpenAI-compatible API: `/chat/completions` is asked below it. Environment:
   * `PHOSPHO_JUDGE_BASE_URL`. Without one, comparisons are answered 501.
   */
  baseUrl?: string;
  /** Sent as a bearer token; a local server may need none. Environment: `PHOSPHO_JUDGE_API_KEY`. */
  apiKey?: string;
  /** The model's name, as that API knows it; needed beside `baseUrl`. Environment: `PHOSPHO_JUDGE_MODEL`. */
  model?: string;
  /**
   * How long one answer of the model may take, in milliseconds: 100 to 110 000. With waiting and retries a
   * comparison ends after 110 s, before our client gives it up. Environment: `PHOSPHO_JUDGE_TIMEOUT_MS`.
   *
   * @defaultValue 30000
   */
  timeoutMs?: number;
  /**
   * Requests to the model at a time: 1 to 100; each comparison makes two. Environment:
   * `PHOSPHO_JUDGE_CONCURRENCY`.
   *
   * @defaultValue 4
   */
  concurrency?: number;
  /**
   * Attempts after the first, where there was no answer, or 408, 425, 429 or 5xx: 0 to 10. Environment:
   * `PHOSPHO_JUDGE_RETRIES`.
   *
   * @defaultValue 2
   */
  retries?: number;
}

/** Every option, checked. */
export interface ResolvedJudge {
  baseUrl: string;
  apiKey: string | undefined;
  model: string;
  timeoutMs: number;
  concurrency: number;
  retries: number;
}

/** What a comparison may take in all. Our client waits for 120 s. */
export const COMPARISON_MS = 110_000;
