import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso/router';
import type { ApiError } from '../../data/api.ts';
import { pagePath, withQuery } from '../../data/base.ts';
import { hereWithoutBase } from '../../data/next-page.ts';
import type { SessionControl } from '../../data/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { PageHead } from '../../parts/page.tsx';

export function LoginPage({ control }: { control: SessionControl }) {
  const { path, route } = useLocation();
  const { state, login } = control;
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    const address = pagePath('login');
    if (path !== address) route(withQuery(address, { next: hereWithoutBase() }), true);
  }, [path]);

  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    await login(tokenIn(token));
    setBusy(false);
  };
  const message = messageOf(state);
  return (
    <div class="login">
      <PageHead title="Log in" documentTitle="Log in" />
      <p class="muted">
        Open the link that your collector (or the demo) printed when it started, or paste the link
        here. Its token is new at each start, unless you chose one.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <label for="token">Link or token</label>
        <input
          id="token"
          type="password"
          class="input"
          autocomplete="current-password"
          required
          ref={field}
          value={token}
          aria-describedby={message === undefined ? undefined : 'login-message'}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <div id="login-message" role="alert">
          {message !== undefined && !busy && (
            <p class="form-error">
              <Icon name="alert" />
              {message}
            </p>
          )}
        </div>
        <button type="submit" class="button primary" aria-disabled={busy}>
          {busy ? 'Logging in…' : 'Log in'}
        </button>
      </form>
    </div>
  );
}

/** People paste the whole link. */
function tokenIn(text: string): string {
  return text.trim().replace(/^.*#token=/, '');
}

function messageOf(state: SessionControl['state']): string | undefined {
  if (state.status === 'failed') return textOf(state.error);
  if (state.status !== 'out') return undefined;
  if (state.error !== undefined) return textOf(state.error);
  return state.expired ? 'Your session has ended. Please log in again.' : undefined;
}

function textOf({ status, message }: ApiError): string {
  if (status === 0) return 'The collector does not answer. Is it still running?';
  if (status === 401)
    return 'This token is not valid. Take the link that the collector printed last.';
  if (status === 429) return 'Too many attempts. Wait a minute, then try again.';
  return message;
}
