import type { Exporter, QueuedEvent } from './exporter.ts';

/** The user's exporter may keep what it is given; the text of a waiting event is gone after the event's end. */
export function givenCopies(exporter: Exporter): Exporter {
  return {
    export: (batch, signal) => exporter.export(batch.map(copyOf), signal),
    flag: (flag, signal) => exporter.flag(flag, signal),
    isConfigured: () => exporter.isConfigured?.() ?? true,
    shutdown: async () => exporter.shutdown?.(),
  };
}

function copyOf({ taskId, json, bytes, settledAt, epoch }: QueuedEvent): QueuedEvent {
  return { taskId, json, bytes, settledAt, epoch };
}
