import { DEFAULTS } from './defaults.ts';
import { mount, type Widget } from './mount.ts';
import type { FeedbackFlag, FeedbackState } from './types.ts';

/** On a server there are no elements; importing must not fail there. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/**
 * `<phospho-feedback>`: a thumb up, a thumb down and a comment for one answer of a model, sent to the
 * route that `phospho.router()` serves.
 *
 * ```ts
 * import 'phospho-express/widget';
 *
 * const feedback = document.createElement('phospho-feedback');
 * feedback.setAttribute('label-up', 'Gute Antwort');
 * feedback.addEventListener('phospho:flagged', ({ detail }) => console.log(detail.flag));
 * document.body.append(feedback);
 * feedback.attach(await fetch('/chat', { method: 'POST' }));
 * ```
 *
 * Attributes, all of which may change at any time:
 * - `task-id`, `token`: whom the feedback is for; `attach` sets both. Hidden while it has neither.
 * - `endpoint`: where it is sent. Default: `/phospho/flag`; for the script that the router
 *   serves, the `flag` beside it.
 * - `comment="off"`: thumbs only. Comments have at most 2000 characters.
 * - `label`, `label-up`, `label-down`, `label-comment`, `label-send`, `label-close`, `label-retry`,
 *   `text-sending`, `text-sent`, `text-thanks` (for a comment), `text-waiting`, `text-failed`: every text, in English by default.
 *
 * Events, which bubble and leave shadow trees: `phospho:flagged` when the server took a flag,
 * `phospho:error` when one was given up: at once if it was refused (4xx), else after 3 retries (1, 3 and
 * 9 s, or as `Retry-After` says, up to 60 s). While the browser is offline it waits.
 *
 * localStorage keeps, under `phospho-feedback`, the thumbs of the last 200 tasks, and never a token where
 * there is a `task-id`. So a thumb is still pressed after a reload, and is shown in other tabs at once; of
 * several tabs the last click counts. What was not sent when its page went, a comment included, is kept too,
 * and sent when an element for the same task comes into a page again: without one, it is not.
 *
 * Style it by `--phospho-size` (of an icon, 18px), `--phospho-color`, `--phospho-up`, `--phospho-down`,
 * `--phospho-background`, `--phospho-border`, `--phospho-radius` (8px), and by the parts `group`, `button`,
 * `up`, `down`, `panel`, `label`, `comment`, `send`, `close`, `retry`, `status`. Colours follow the page's
 * `color-scheme`. To reserve its place before the script has come:
 * `phospho-feedback:not(:defined) { display: inline-block; vertical-align: middle; block-size: 32px }`.
 */
export class PhosphoFeedback extends Base {
  static readonly observedAttributes: readonly string[] = [
    'task-id',
    'token',
    'comment',
    ...Object.keys(DEFAULTS),
  ];

  readonly #widget: Widget = mount(this);

  /** Where the user's last wish is. */
  get state(): FeedbackState {
    return this.#widget.vote.state;
  }

  /** The pressed thumb. */
  get flag(): FeedbackFlag | undefined {
    return this.#widget.vote.flag ?? undefined;
  }

  /**
   * Takes task and token from the headers of an answer that phospho's middleware recorded. False, and the
   * element is hidden, where it has none: then it was not recorded, or comes from another origin that does
   * not expose `X-Phospho-Task-Id` and `X-Phospho-Feedback-Token`.
   */
  attach({ headers }: { headers: Headers }): boolean {
    const take = (attribute: string, header: string) => {
      const value = headers.get(header);
      if (value) this.setAttribute(attribute, value);
      else this.removeAttribute(attribute);
      return !!value;
    };
    const hasTask = take('task-id', 'X-Phospho-Task-Id');
    return take('token', 'X-Phospho-Feedback-Token') || hasTask;
  }

  attributeChangedCallback(_name: string, before: string | null, now: string | null): void {
    if (before !== now) this.#widget.update();
  }

  connectedCallback(): void {
    this.#widget.open();
  }

  disconnectedCallback(): void {
    this.#widget.close();
  }
}

/** Defines `<phospho-feedback>`, where there are elements and nobody did before. */
export function definePhosphoFeedback(): void {
  const registry = globalThis.customElements;
  if (registry && !registry.get('phospho-feedback')) {
    registry.define('phospho-feedback', PhosphoFeedback);
  }
}
