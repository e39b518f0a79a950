import { burst } from './burst.mjs';
import { dashboard } from './dashboard.mjs';
import { faults } from './faults.mjs';
import { fn } from './fn.mjs';
import { http } from './http.mjs';
import { importing } from './import.mjs';
import { ingest } from './ingest.mjs';
import { mask } from './mask.mjs';
import { sse } from './sse.mjs';
import { streams } from './streams.mjs';

const suites = [fn, http, sse, streams, burst, faults, importing, dashboard, ingest, mask];

/** Each suite by its name, as `measure` takes it. */
export const SUITES = Object.fromEntries(suites.map((suite) => [suite.name, suite]));
