import { HttpError } from '../http/http-error.ts';
import { keyed, type Route } from './route.ts';

/** `POST /evals/compare` needs an LLM judge, and this version has none to ask. */
export const compareRoutes: readonly Route[] = [
  keyed('POST', '/evals/compare', async () => {
    throw new HttpError(
      501,
      'No judge is configured. Comparisons ask an OpenAI-compatible endpoint, named by PHOSPHO_JUDGE_BASE_URL; ' +
        'this version of the collector does not support one yet.',
    );
  }),
];
