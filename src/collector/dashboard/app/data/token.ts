/**
 * The token of a one-click link (`…#token=…`), taken out of the address bar and the history. A fragment is
 * never sent to a server, so that it is in no log either.
 */
export function takeToken(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return undefined;
  history.replaceState(history.state, '', location.pathname + location.search);
  return token === '' ? undefined : token;
}
