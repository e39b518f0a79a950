import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

const BATCH = 100;
const RETRY_MS = 1_000;

/**
 * The naive baseline: push plain objects, one JSON.stringify per 100, one POST over undici. Nothing is
 * masked, extracted or bounded, no timer sends what does not fill a batch, and each batch that fails is
 * tried again every second for ever.
 */
export function create({ url }) {
  const dispatcher = new Agent({ connections: 4 });
  const sends = new Set();
  let queue = [];
  let captured = 0;
  let delivered = 0;
  const push = (input, output) => {
    captured += 1;
    queue.push({ task_id: `naive_${process.pid}_${captured}`, input, output, at: Date.now() });
    if (queue.length === BATCH) send();
  };
  const send = () => {
    const { length } = queue;
    const body = JSON.stringify({ batched_log_events: queue });
    queue = [];
    const sending = post(body).then(() => {
      delivered += length;
      sends.delete(sending);
    });
    sends.add(sending);
  };
  const post = async (body) => {
    for (;;) {
      try {
        const answer = await request(`${url}/log/bench`, { method: 'POST', body, dispatcher });
        await answer.body.dump();
        if (answer.statusCode === 200) return;
      } catch {}
      await sleep(RETRY_MS);
    }
  };
  const flush = async () => {
    if (queue.length > 0) send();
    await Promise.all(sends);
  };
  const ledger = () => ({ isSettled: captured === delivered, dropped: 0 });
  return {
    wrap: (call) => async (input) => {
      const output = await call(input);
      push(input, output);
      return output;
    },
    mount: (app) => app.use(keepBodies(push)),
    flush,
    log: ({ input, output }) => push(input, output),
    ledger,
    shutdown: ledger,
  };
}

/** The least that a middleware can do: what `res.json` was given, else the chunks as they are. */
function keepBodies(push) {
  return (req, res, next) => {
    const { json, write, end } = res;
    const chunks = [];
    let output;
    res.json = function (body) {
      output = body;
      return json.call(this, body);
    };
    res.write = function (...given) {
      chunks.push(given[0]);
      return write.apply(this, given);
    };
    res.end = function (...given) {
      if (output === undefined && given[0] !== undefined) chunks.push(given[0]);
      return end.apply(this, given);
    };
    res.once('finish', () => push(req.body, output ?? chunks.join('')));
    next();
  };
}
