import { definePhosphoFeedback, type PhosphoFeedback } from './element.ts';
import type { FlagErrorDetail, FlaggedDetail } from './types.ts';

export { PhosphoFeedback } from './element.ts';
export type {
  FeedbackFlag,
  FeedbackState,
  FlagErrorDetail,
  FlaggedDetail,
  PhosphoFeedbackAttributes,
} from './types.ts';

declare global {
  interface HTMLElementTagNameMap {
    'phospho-feedback': PhosphoFeedback;
  }
  /** They bubble: the document hears them too. */
  interface GlobalEventHandlersEventMap {
    'phospho:flagged': CustomEvent<FlaggedDetail>;
    'phospho:error': CustomEvent<FlagErrorDetail>;
  }
}

definePhosphoFeedback();
