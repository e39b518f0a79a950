import type { OpenTask } from '../capture/task.ts';
import type { RequestHandle } from './types.ts';

/** What `req.phospho` needs of its exchange. */
export interface HandleParts {
  readonly task: OpenTask;
  readonly departure: Departure;
  signToken(): string;
  skip(): void;
  runStep<R>(name: string, run: () => R): R;
  onFault(error: unknown): void;
}

/** The client's leaving, as a signal that is made only where somebody asks for it. */
export class Departure {
  #controller: AbortController | undefined;
  #hasLeft = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasLeft) this.#abort();
    }
    return this.#controller.signal;
  }

  announce(): void {
    this.#hasLeft = true;
    this.#abort();
  }

  #abort(): void {
    const reason = 'the client left before the answer was complete';
    this.#controller?.abort(new DOMException(reason, 'AbortError'));
  }
}

/** An object of closures: `const { set } = req.phospho` works. */
export function createHandle(parts: HandleParts): RequestHandle {
  const { task, departure } = parts;
  let token: string | undefined;
  const handle: RequestHandle = {
    taskId: task.id,
    get feedbackToken(): string {
      token ??= parts.signToken();
      return token;
    },
    get signal(): AbortSignal {
      return departure.signal;
    },
    set: (fields) => {
      try {
        task.set(fields);
      } catch (error) {
        parts.onFault(error);
      }
    },
    skip: () => parts.skip(),
    step: (name, run) => parts.runStep(name, run),
    sseEvent: () => {
      const ids = { task_id: task.id, feedback_token: handle.feedbackToken };
      return `event: phospho\ndata: ${JSON.stringify(ids)}\n\n`;
    },
  };
  return handle;
}
