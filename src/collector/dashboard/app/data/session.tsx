import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import type { Login, SessionInfo } from '../../wire.ts';
import { type ApiError, asApiError, call, jsonRequest, onSessionEnd } from './api.ts';
import { apiPath } from './base.ts';
import { forgetAll } from './cache.ts';
import { takeToken } from './token.ts';

export type SessionState =
  | { status: 'asking' }
  | { status: 'in'; info: SessionInfo }
  | { status: 'out'; error?: ApiError | undefined; expired?: boolean }
  | { status: 'failed'; error: ApiError };

export interface SessionControl {
  state: SessionState;
  login: (token: string) => Promise<void>;
  logout: () => Promise<void>;
  ask: () => Promise<void>;
}

const SessionContext = createContext<SessionInfo | undefined>(undefined);
export const SessionProvider = SessionContext.Provider;

export function useSession(): SessionInfo {
  const info = useContext(SessionContext);
  if (info === undefined) throw new Error('useSession is for pages behind the login');
  return info;
}

/** Who is logged in. Any page's address may carry a token, also one put into a tab that is open. */
export function useSessionControl(): SessionControl {
  const [state, setState] = useState<SessionState>({ status: 'asking' });

  const ask = useCallback(async (loginError?: ApiError) => {
    try {
      const response = await call(apiPath('session'), {});
      setState({ status: 'in', info: (await response.json()) as SessionInfo });
    } catch (cause) {
      const error = asApiError(cause);
      if (error.status === 401) setState({ status: 'out', error: loginError });
      else setState({ status: 'failed', error });
    }
  }, []);

  const login = useCallback(async (token: string) => {
    const body: Login = { token };
    try {
      await call(apiPath('session'), jsonRequest(body));
    } catch (cause) {
      const error = asApiError(cause);
      if (error.status === 0) setState({ status: 'out', error });
      else await ask(error);
      return;
    }
    await ask();
  }, []);

  const logout = useCallback(async () => {
    try {
      await call(apiPath('session'), { method: 'DELETE' });
    } catch (cause) {
      if (asApiError(cause).status !== 401) throw cause;
    }
    forgetAll();
    setState({ status: 'out' });
  }, []);

  useEffect(() => {
    const enter = (): void => {
      const token = takeToken();
      if (token !== undefined) void login(token);
    };
    const token = takeToken();
    void (token === undefined ? ask() : login(token));
    addEventListener('hashchange', enter);
    const forget = onSessionEnd(() => {
      forgetAll();
      setState((now) => (now.status === 'in' ? { status: 'out', expired: true } : now));
    });
    return () => {
      removeEventListener('hashchange', enter);
      forget();
    };
  }, []);

  return { state, login, logout, ask: useCallback(() => ask(), []) };
}
