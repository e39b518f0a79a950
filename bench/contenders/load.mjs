/**
 * A contender by its name: `bare`, `naive`, `ours`, or a peer. Its module's `create({ url, … })` resolves to
 * - `wrap(call)`: the same async function, recorded;
 * - `mount(app)`, where it has an Express middleware that records the app's one route;
 * - `flush()`, which resolves once all is delivered;
 * and for the suites with a collector that is down, not of peers:
 * - `log({ input, output })`, `ledger()`, and `shutdown()`, which resolves to the last ledger.
 */
export async function loadContender(name, options) {
  const isPeer = !['bare', 'naive', 'ours'].includes(name);
  const { create } = await import(isPeer ? `../peers/${name}.mjs` : `./${name}.mjs`);
  return await create(options);
}
