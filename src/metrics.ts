import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BatchDelivery } from './delivery/delivery.ts';
import type { DropReason } from './delivery/exporter.ts';
import { type BatchTotals, LATENCY_BOUNDS } from './delivery/meter.ts';
import { describeError } from './internal/hooks.ts';
import type { GuardedLogger } from './internal/logger.ts';
import { METRICS_CONTENT_TYPE, MetricsText, type Sample } from './internal/metrics-text.ts';

/** Fits a route of Express 4 and 5, and bare `node:http`. */
export type MetricsHandler = (req: IncomingMessage, res: ServerResponse) => void;

/** Each is there from the start, at 0: `rate()` misses the first of a series that appears with it. */
const EVENT_REASONS: readonly DropReason[] = [
  ...(['unconfigured', 'queue_full', 'expired', 'quota', 'spool_full', 'corrupt'] as const),
  ...(['adopted', 'unserializable', 'shutdown', 'sampled'] as const),
];
const FLAG_REASONS: readonly DropReason[] = [
  ...(['unconfigured', 'queue_full', 'expired', 'shutdown', 'superseded', 'duplicate'] as const),
];

/** Answers GET and HEAD. Never throws: a response that is over already is left alone. */
export function createMetricsHandler(
  delivery: BatchDelivery,
  logger: GuardedLogger,
): MetricsHandler {
  return function phosphoMetrics(req, res) {
    try {
      if (res.headersSent || res.writableEnded) return;
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        res.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 }).end();
        return;
      }
      const body = Buffer.from(renderMetrics(delivery));
      res.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE, 'content-length': body.length });
      res.end(req.method === 'HEAD' ? undefined : body);
    } catch (error) {
      const message = `the metrics could not be answered: ${describeError(error)}`;
      logger.once('metrics', 'warn', message);
      // Nobody else would answer.
      res.destroy();
    }
  };
}

/** What delivery knows of itself, as text. */
export function renderMetrics(delivery: BatchDelivery): string {
  const { events, flags, spool } = delivery.stats();
  const text = new MetricsText('phospho_');
  for (const [kind, ledger, reasons] of [
    ['events', events, EVENT_REASONS],
    ['flags', flags, FLAG_REASONS],
  ] as const) {
    const what = kind === 'events' ? 'Tasks' : 'Flags';
    const refused = kind === 'events' ? 'refused as invalid' : 'refused, or whose task was lost';
    const { captured, recovered, delivered, deadLettered, dropped } = ledger;
    const { queued, inFlight: in_flight, spooled } = ledger;
    const { pending, parked } = events;
    const first = kind === 'events' ? { pending, parked } : { held: flags.held };
    text.counter(`${kind}_captured`, `${what} given to this process.`, captured);
    text.counter(`${kind}_recovered`, `${what} taken over from a spool.`, recovered);
    text.counter(`${kind}_delivered`, `${what} that the server has.`, delivered);
    text.counter(`${kind}_dead_lettered`, `${what} ${refused}.`, deadLettered);
    const counts = { ...Object.fromEntries(reasons.map((reason) => [reason, 0])), ...dropped };
    text.counter(`${kind}_dropped`, `${what} let go, by reason.`, by('reason', counts));
    const places = { ...first, queued, in_flight, spooled };
    text.gauge(kind, `${what} not delivered yet, by where they are.`, by('place', places));
  }
  text.gauge('queue_bytes', 'JSON waiting in memory.', delivery.queuedBytes);
  addBatches(text, delivery.meter.totals);
  text.gauge(
    'circuit_state',
    '1 for the state that a circuit is in; open: requests wait after a failure.',
    Object.entries(delivery.circuits).flatMap(([pipeline, current]) =>
      (['closed', 'open', 'half_open'] as const).map(
        (state): Sample => [{ pipeline, state }, state === current ? 1 : 0],
      ),
    ),
  );
  if (spool) {
    text.gauge('spool_bytes', 'Bytes of the spool on disk.', spool.bytes);
    text.gauge('spool_segments', 'Files of the spool.', spool.segments);
    const failing = spool.state === 'failing' ? 1 : 0;
    text.gauge('spool_failing', '1 while the disk refuses: tasks are in memory alone.', failing);
  }
  return text.toString();
}

function addBatches(text: MetricsText, totals: BatchTotals): void {
  const { sent, failed, bytes, seconds, latencies } = totals;
  text.counter('batches_sent', 'Requests with a batch, those that failed included.', sent);
  text.counter('batches_failed', 'Requests with a batch that failed.', failed);
  text.counter('sent_bytes', 'JSON of events in all batches, before compression.', bytes);
  const buckets = latencies.map(
    (count, i): Sample => [{ le: `${LATENCY_BOUNDS[i] ?? '+Inf'}` }, count],
  );
  const name = 'batch_duration_seconds';
  text.histogram(name, 'Time from a batch to its answer or failure.', [{ buckets, sum: seconds }]);
}

function by(label: string, counts: { readonly [value: string]: number }): Sample[] {
  return Object.entries(counts).map(([value, count]) => [{ [label]: value }, count]);
}
