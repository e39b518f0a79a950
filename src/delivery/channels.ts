import { type Channel, channel } from 'node:diagnostics_channel';

/** What each channel `phospho:<name>` carries. */
export interface ChannelMessages {
  /** A task is in the queue, and with a spool on disk. */
  accepted: { taskId: string };
  /** The server has the task. */
  delivered: { taskId: string };
  /** Events or flags were let go, or dead-lettered; a `DropInfo`. */
  dropped: object;
  /** A fault; nothing is lost by it yet. */
  error: { what: string; error: unknown };
  /** A batch has been answered, or has failed. */
  batch: { events: number; bytes: number; durationMs: number; error: unknown };
}

const CHANNELS: { readonly [name in keyof ChannelMessages]: Channel } = {
  accepted: channel('phospho:accepted'),
  delivered: channel('phospho:delivered'),
  dropped: channel('phospho:dropped'),
  error: channel('phospho:error'),
  batch: channel('phospho:batch'),
};

/** Costs a property's look-up where nobody listens. A listener that throws is Node's to report. */
export function publish<N extends keyof ChannelMessages>(
  name: N,
  message: ChannelMessages[N],
): void {
  const target = CHANNELS[name];
  if (target.hasSubscribers) target.publish(message);
}
