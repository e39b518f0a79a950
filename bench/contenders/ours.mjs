import { Phospho } from 'phospho-express';

/** Defaults on. Warnings about an outage go where a contender's output goes. */
export function create({ url, ...options }) {
  const phospho = new Phospho({ apiKey: KEY, projectId: 'bench', baseUrl: url, ...options });
  return {
    wrap: (call) => phospho.wrap(call),
    mount: (app) => app.use(phospho.middleware()),
    flush: async () => {
      const { events } = await phospho.flush();
      if (events.captured !== events.delivered) throw new Error(JSON.stringify(events));
    },
    log: (task) => phospho.log(task),
    ledger: () => summed(phospho.stats()),
    shutdown: async () => summed(await phospho.shutdown()),
  };
}

const KEY = 'a-key-for-the-bench-alone-of-32-characters';

/** Settled: every event has come to its end. Dropped: each that the ledger says will not arrive. */
function summed({ events: { captured, delivered, deadLettered, dropped, ...rest } }) {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, deadLettered);
  const recovered = rest.recovered ?? 0;
  return { isSettled: captured + recovered === delivered + lost, dropped: lost };
}
