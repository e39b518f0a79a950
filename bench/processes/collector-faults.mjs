/** Bytes that a body may have at most where the collector refuses large ones. */
const MAX_BODY_BYTES = 3 * 1024;

const whileBad = (what) => (request) => (request.isBad ? what : {});

/** What a collector does with a request, by fault. Where nothing is said, it stores and answers. */
const FAULTS = new Map([
  ['refused', () => ({})], // It does not listen.
  ['503', whileBad({ status: 503 })],
  ['500', whileBad({ status: 500 })],
  ['429, Retry-After 5', whileBad({ status: 429, headers: { 'retry-after': '5' } })],
  ['413 over 3 KB', ({ bytes }) => (bytes > MAX_BODY_BYTES ? { status: 413 } : {})],
  ['no reply', whileBad({ stores: false, reply: 'never' })],
  ['lost reply', whileBad({ reply: 'lost' })],
]);

export const FAULT_NAMES = [...FAULTS.keys()];

export const faultOf = (name) => FAULTS.get(name);
