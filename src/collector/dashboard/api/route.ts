import type { Store } from '../../store/store.ts';

/** What every call of the dashboard's API works with. */
export interface DashboardContext {
  store: Store;
  /** The project that this collector was started for. */
  defaultProject: string;
  /** What apps take as PHOSPHO_BASE_URL, as this request reached us. */
  baseUrl: string;
}

export interface DashboardCall extends DashboardContext {
  /** Of the path; '' where it names none. */
  projectId: string;
  /** Of the path; '' where it names none. */
  id: string;
  query: unknown;
  body: unknown;
}

/** A route as data: what it answers with 200, or an HttpError that it throws. Paths are below `<dashboard>/api`. */
export interface DashboardRoute {
  method: 'get' | 'post';
  path: string;
  handle(call: DashboardCall): Promise<unknown>;
}
