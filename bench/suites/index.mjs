import { burst } from './burst.mjs';
import { faults } from './faults.mjs';
import { fn } from './fn.mjs';
import { http } from './http.mjs';
import { importing } from './import.mjs';
import { ingest } from './ingest.mjs';
import { mask } from './mask.mjs';
import { queries } from './queries.mjs';
import { sse } from './sse.mjs';
import { streams } from './streams.mjs';

const suites = [fn, http, sse, streams, burst, faults, importing, ingest, ...queries, mask];

/** Each suite by its name, as `measure` takes it. */
export const SUITES = Object.fromEntries(suites.map((suite) => [suite.name, suite]));

/** What a name that is no suite's stands for. */
export const GROUPS = {
  collector: [ingest, ...queries].map(({ name }) => name),
  queries: queries.map(({ name }) => name),
};

/** Those that take a few minutes are run where they are named. */
export const DEFAULT = suites.filter((suite) => !queries.includes(suite)).map(({ name }) => name);
