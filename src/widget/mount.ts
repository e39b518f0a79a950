import { DEFAULTS } from './defaults.ts';
import { watchers } from './memory.ts';
import type { Target } from './post.ts';
import { STYLES } from './styles.ts';
import type { FeedbackFlag, FlaggedDetail } from './types.ts';
import { button, CROSS, make, THUMB } from './view.ts';
import { createVote, type Report, type Vote } from './vote.ts';

const THANKS_MS = 2_500;
/** Between the panel and the edge of the window. */
const MARGIN_PX = 8;

let sheet: CSSStyleSheet | undefined;

export interface Widget {
  readonly vote: Vote;
  /** After a change of attributes. */
  update(): void;
  /** When it has come into a page. */
  open(): void;
  close(): void;
}

/** Makes an element's shadow tree and brings it to life. One function, for local names minify best. */
export function mount(host: HTMLElement): Widget {
  let vote = createVote('', target(), report);
  let isOpen = false;
  /** Set while a comment is being thanked for. */
  let thanks: ReturnType<typeof setTimeout> | undefined;

  const up = button('button up', () => press('success'), THUMB);
  const down = button('button down', () => press('failure'), THUMB);
  const group = make('div', 'group', { role: 'group' });
  const live = make('div', 'live', { role: 'status' });
  const label = make('label', 'label', { htmlFor: 'comment' });
  const comment = make('textarea', 'comment', { id: 'comment', rows: 3, maxLength: 2000 });
  // The live region says the same.
  const status = make('span', 'status', { ariaHidden: 'true' });
  const retry = button('retry', () => vote.send(vote.flag as FeedbackFlag));
  const send = button('send', submit);
  const close = button('close', () => show(), CROSS);
  const panel = make('form', 'panel');
  // In tab order.
  group.append(up, down);
  panel.append(label, comment, status, retry, send, close);
  const root = host.attachShadow({ mode: 'open' });
  root.append(group, live, panel);
  root.addEventListener('keydown', onKey as EventListener);

  /** Moves the panel into the window: a rule of its own, as a policy may refuse style attributes. */
  const placement = new CSSStyleSheet();
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
  }
  root.adoptedStyleSheets = [sheet, placement];

  return {
    get vote() {
      return vote;
    },
    update,
    open() {
      watchers.add(hear);
      hear();
    },
    close() {
      watchers.delete(hear);
      show();
    },
  };

  function hear(): void {
    vote.hear();
  }

  function text(name: keyof typeof DEFAULTS): string {
    return host.getAttribute(name) ?? DEFAULTS[name];
  }

  function target(): Target {
    return {
      endpoint: text('endpoint'),
      taskId: host.getAttribute('task-id') || undefined,
      token: host.getAttribute('token') || undefined,
    };
  }

  function update(): void {
    const now = target();
    const key = now.taskId ?? now.token ?? '';
    if (key === vote.key) {
      vote.target = now;
      render();
    } else {
      vote = createVote(key, now, report);
      comment.value = '';
      show();
    }
  }

  function report(...[source, name, detail]: Parameters<Report>): void {
    if (source === vote) {
      if (vote.state === 'failed') isOpen = true;
      if (vote.state === 'sent' && (detail as FlaggedDetail).notes) {
        comment.value = '';
        thanks = setTimeout(show, THANKS_MS);
      }
      render();
    }
    if (name) host.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  function press(flag: FeedbackFlag): void {
    const isOther = flag !== vote.flag;
    if (isOther) vote.send(flag);
    show(isOther || panel.hidden);
  }

  function submit(): void {
    const notes = comment.value.trim();
    if (notes && vote.flag) vote.send(vote.flag, notes);
    else comment.focus();
  }

  function onKey(event: KeyboardEvent): void {
    const { key } = event;
    if (key === 'Escape' && !panel.hidden && !event.isComposing) {
      // Not also the dialog around it.
      event.stopPropagation();
      event.preventDefault();
      show();
    } else if (key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target === comment) {
      submit();
    }
  }

  function show(open = false): void {
    clearTimeout(thanks);
    thanks = undefined;
    isOpen = open;
    render();
    if (open) panel.scrollIntoView({ block: 'nearest' });
  }

  function render(): void {
    const { flag, state, commented, canRetry } = vote;
    const focused = root.activeElement;
    const hasForm = host.getAttribute('comment') !== 'off' && !!flag && !thanks;
    const hasPanel = isOpen && (hasForm || !!thanks || /failed|waiting/.test(state));

    group.ariaLabel = text('label');
    group.dataset.state = state;
    for (const [thumb, isPressed, name] of [
      [up, flag === 'success', 'label-up'],
      [down, flag === 'failure', 'label-down'],
    ] as const) {
      thumb.ariaPressed = `${isPressed}`;
      thumb.ariaExpanded = isPressed ? `${hasPanel}` : null;
      thumb.ariaLabel = thumb.title = text(name);
    }
    close.ariaLabel = close.title = text('label-close');
    send.textContent = text('label-send');
    retry.textContent = text('label-retry');
    // Of `idle` there is nothing to be told.
    live.textContent = text(`text-${thanks ? 'thanks' : state}` as 'text-sent');
    const news = live.textContent || (commented ? text('text-thanks') : '');
    status.textContent = news;
    // The one thing to be read keeps its place when the form goes.
    label.textContent = hasForm ? text('label-comment') : news;

    panel.hidden = !hasPanel;
    comment.hidden = status.hidden = send.hidden = !hasForm;
    retry.hidden = !canRetry;
    (hasPanel ? addEventListener : removeEventListener)('resize', place);
    if (hasPanel) place();
    // What had the focus is gone: its thumb is the place to go on from.
    if (focused?.closest('[hidden]')) (flag === 'failure' ? down : up).focus();
  }

  function place(): void {
    // Out of the flow of scrolling: a panel that sticks out for a moment widens the page of a phone.
    placement.replaceSync('.panel{position:fixed}');
    const { left, right } = panel.getBoundingClientRect();
    const room = document.documentElement.clientWidth - MARGIN_PX;
    const shift = Math.max(MARGIN_PX - left, Math.min(0, room - right));
    placement.replaceSync(`.panel{margin:6px ${-shift}px 0 ${shift}px}`);
  }
}
