import type { DEFAULTS } from './defaults.ts';

/** A thumb up is a `success`, a thumb down a `failure`. */
export type FeedbackFlag = 'success' | 'failure';

/**
 * Where the user's last wish is: `idle` (none yet in this page view, or a later one in another tab), `sending`
 * (with retries), `waiting` (the browser is offline), `sent` (the server has it), `failed` (given up).
 */
export type FeedbackState = 'idle' | 'sending' | 'waiting' | 'sent' | 'failed';

/** Detail of `phospho:flagged`: the server took a flag. */
export interface FlaggedDetail {
  /** As the server answered it; undefined only if it did not and there is no `task-id`. */
  taskId: string | undefined;
  flag: FeedbackFlag;
  /** The comment, where this was one. */
  notes: string | undefined;
}

/** Detail of `phospho:error`: a flag was given up. */
export interface FlagErrorDetail {
  taskId: string | undefined;
  flag: FeedbackFlag;
  /** HTTP status; 0 where no answer came. */
  status: number;
  /** Such as `token_expired`; `network` where no answer came. */
  code?: string;
  message?: string;
}

/**
 * The attributes of `<phospho-feedback>`, for the JSX types of a framework. In React 19:
 *
 * ```ts
 * import type { PhosphoFeedback, PhosphoFeedbackAttributes } from 'phospho-express/widget';
 * import type { HTMLAttributes, RefAttributes } from 'react';
 *
 * declare module 'react' {
 *   namespace JSX {
 *     interface IntrinsicElements {
 *       'phospho-feedback': PhosphoFeedbackAttributes &
 *         HTMLAttributes<PhosphoFeedback> &
 *         RefAttributes<PhosphoFeedback>;
 *     }
 *   }
 * }
 * ```
 */
export interface PhosphoFeedbackAttributes
  extends Partial<Record<'task-id' | 'token' | keyof typeof DEFAULTS, string | undefined>> {
  comment?: 'off' | undefined;
}
