import type {
  FlaggedDetail,
  PhosphoFeedback,
  PhosphoFeedbackAttributes,
} from 'phospho-express/widget';
import { type HTMLAttributes, type RefAttributes, useEffect, useRef } from 'react';
import 'phospho-express/widget'; // defines the element; on a server it does nothing

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'phospho-feedback': PhosphoFeedbackAttributes &
        HTMLAttributes<PhosphoFeedback> &
        RefAttributes<PhosphoFeedback>;
    }
  }
}

export interface FeedbackProps {
  taskId: string;
  token: string;
  /** Called when the server has taken a thumb or a comment. */
  onFlagged?: (detail: FlaggedDetail) => void;
}

/** The thumbs of one answer. */
export function Feedback({ taskId, token, onFlagged }: FeedbackProps) {
  const element = useRef<PhosphoFeedback>(null);
  useEffect(() => {
    const { current } = element;
    const listener = (event: CustomEvent<FlaggedDetail>) => onFlagged?.(event.detail);
    current?.addEventListener('phospho:flagged', listener);
    return () => current?.removeEventListener('phospho:flagged', listener);
  }, [onFlagged]);
  return <phospho-feedback ref={element} task-id={taskId} token={token} />;
}
