import type { AuditStore } from './contract/audit.ts';
import type { KeyStore } from './contract/keys.ts';
import type { LoginStore } from './contract/logins.ts';
import type { ProjectStore } from './contract/projects.ts';
import type { RemovalStore } from './contract/removal.ts';
import type { SessionStore } from './contract/sessions.ts';
import type { SpanStore } from './contract/spans.ts';
import type { TaskStore } from './contract/tasks.ts';
import type { ComparisonStore, TestStore } from './contract/tests.ts';
import type { TransferStore } from './contract/transfer.ts';
import type { DashboardStore } from './dashboard/dashboard-store.ts';

export type * from './contract/audit.ts';
export type * from './contract/keys.ts';
export type * from './contract/logins.ts';
export type * from './contract/projects.ts';
export type * from './contract/removal.ts';
export type * from './contract/sessions.ts';
export type * from './contract/spans.ts';
export type * from './contract/tasks.ts';
export type * from './contract/tests.ts';
export type * from './contract/transfer.ts';

/**
 * What the collector asks of a database. Every call names its project, and an id of another project is
 * simply not found. What a call has answered is committed.
 */
export interface Store {
  readonly projects: ProjectStore;
  readonly keys: KeyStore;
  readonly tasks: TaskStore;
  readonly sessions: SessionStore;
  readonly tests: TestStore;
  readonly comparisons: ComparisonStore;
  readonly dashboard: DashboardStore;
  readonly logins: LoginStore;
  readonly spans: SpanStore;
  readonly audit: AuditStore;
  readonly removal: RemovalStore;
  readonly transfer: TransferStore;
  /** Rejects where the database does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}
