/** Records nothing: the app as it would be. */
export function create() {
  const ledger = () => ({ isSettled: true, dropped: 0 });
  return { wrap: (call) => call, flush: () => {}, log: () => {}, ledger, shutdown: ledger };
}
