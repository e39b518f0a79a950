import { resolve } from 'node:path';
import type { Dispatcher } from 'undici';
import type { Mask } from './capture/mask.ts';
import type { Capture } from './capture/privacy.ts';
import type { DeliverySettings } from './delivery/delivery.ts';
import type { Exporter } from './delivery/exporter.ts';
import type { Compression } from './delivery/http-exporter.ts';
import type { DeliveryHooks } from './delivery/observers.ts';
import type { SpoolSettings, SpoolSync } from './delivery/spool/spool.ts';
import type { WaitUntilHook } from './delivery/wait-until.ts';
import { PhosphoConfigError } from './errors.ts';
import type { FeedbackLimits, FeedbackOptions } from './express/feedback-options.ts';
import { MIN_SECRET_LENGTH } from './feedback/token.ts';
import { LOG_LEVELS, type Logger, type LogLevel } from './internal/logger.ts';
import {
  checkNames,
  expectMethods,
  expectType,
  numberIn,
  oneOf,
  type Range,
  show,
  wrong,
} from './option-checks.ts';

/** Bounds and pace of delivery; see `docs/` for what each default was chosen for. */
export interface DeliveryOptions {
  /** Events in a batch at most; 1 to 1000. Default: 100, what phospho takes without strain. */
  maxBatchEvents?: number;
  /** Bytes of JSON in a batch at most; a larger event goes alone. Default: 1 MiB. */
  maxBatchBytes?: number;
  /**
   * How long the first event of a batch waits for others, milliseconds, 0 to 60000. Default: 500; under Jest
   * until `flush()` or `shutdown()`, since Jest fails a run that loads a module after a test file has ended.
   */
  lingerMs?: number;
  /** Batches under way at once; 1 to 10. Default: 2. */
  concurrency?: number;
  /** Events waiting at most; beyond, the oldest is dropped and counted. Default: 10000. */
  maxQueueEvents?: number;
  /** Bytes of JSON waiting at most. Default: 32 MiB. */
  maxQueueBytes?: number;
  /** An event in memory that cannot be delivered for so long is dropped, milliseconds. Default: one hour. */
  maxAgeMs?: number;
  /**
   * `auto`: gzip where the server says that it takes it, and is not this machine. `off`: never. `gzip`:
   * always, for a server that takes it without saying so. Default: `auto`; phospho's own API takes none.
   */
  compression?: Compression;
}

/** The write-ahead log; see `docs/delivery.md`. */
export interface SpoolOptions {
  /** A directory on a local disk; made where it is missing. Processes may share it. */
  dir: string;
  /**
   * How much is asked of the disk. Each survives the end of the process, however it comes; a loss of power
   * costs with `never` some 30 s of tasks, with `interval` half a second, with `always` nothing, at a
   * quarter of a millisecond a task. Default: `interval`.
   */
  sync?: SpoolSync;
  /** Bytes on disk at most, for each process; beyond, the oldest file is emptied and counted. Default: 256 MiB. */
  maxBytes?: number;
  /** An event that could not be delivered for so long is dropped, milliseconds. Default: 24 hours. */
  maxAgeMs?: number;
}

/** Options of `new Phospho()`. Everything has an environment variable or a default. */
export interface PhosphoOptions extends DeliveryHooks {
  /** Default: `PHOSPHO_API_KEY`, read when needed. Without a key nothing is recorded, with one warning. */
  apiKey?: string | undefined;
  /** Default: `PHOSPHO_PROJECT_ID`, read when needed. */
  projectId?: string | undefined;
  /** The API, its version included. Default: `PHOSPHO_BASE_URL`, else `https://api.phospho.ai/v2`. */
  baseUrl?: string | undefined;
  /** False: middleware, decorators and wrappers pass everything through. Default: `PHOSPHO_DISABLED` unset. */
  enabled?: boolean;
  /** Where the app runs, e.g. `production`. Default: `PHOSPHO_ENVIRONMENT`, else phospho's own default. */
  environment?: string;
  /** The app's version, recorded with each task. Default: `version` in the app's package.json. */
  versionId?: string;
  /** Default: the console. */
  logger?: Logger;
  /** Default: `PHOSPHO_LOG_LEVEL`, else `warn`. */
  logLevel?: LogLevel;
  /**
   * Replaces what must not leave, in every text of an event and in a flag's notes: a function, a rule of
   * `maskRules`, or a list of both, applied in order. If one throws or gives no string, no text leaves.
   * Credential shapes are always masked. See `docs/privacy.md`. Default: none.
   */
  mask?: Mask | readonly Mask[];
  /**
   * `metadata`: no text of anybody's is recorded, only ids, times, model, tokens, status, route, finish reason,
   * outcome, names of tools, and what the app itself adds as metadata. Default: `full`, since a task without
   * its texts answers few questions.
   */
  capture?: Capture;
  /**
   * Whether tasks and steps are spans too, where the app has set up OpenTelemetry (`@opentelemetry/api` 1.x with a
   * tracer provider), and events carry `trace_id` and `span_id`. No text is on a span. Default: true.
   */
  openTelemetry?: boolean;
  feedback?: FeedbackOptions;
  delivery?: DeliveryOptions;
  /**
   * Writes each task and flag to a file before it counts as accepted, so that it survives `process.exit`, a
   * crash and SIGKILL, and is sent by the next process. Default: `PHOSPHO_SPOOL_DIR` as its `dir`; without
   * it, or with false, none.
   */
  spool?: SpoolOptions | false;
  /** Takes the batches instead of phospho's API. */
  exporter?: Exporter;
  /** An undici dispatcher, for a proxy or mTLS. Default: an Agent of our own, with few sockets. */
  dispatcher?: Dispatcher;
  /** Lets the key travel over plain http to other hosts. Default: `PHOSPHO_ALLOW_HTTP`, else false. */
  allowInsecureHttp?: boolean;
  /**
   * At SIGTERM and SIGINT: `shutdown()` (or the `gracefulShutdown()` that is under way), then the process ends
   * by the same signal, and by a second one at once. Where the app listens to the signal itself, all that has
   * settled is flushed, and shutting down and ending are the app's. Default: false, since without it no
   * library should be in the way of a signal.
   */
  handleSignals?: boolean;
  /**
   * A serverless platform's function of that name, e.g. of `@vercel/functions`: it is given one promise for
   * each burst of tasks and flags, which resolves when they are delivered, or after 30 s, and never rejects.
   * Default: none.
   */
  waitUntil?: WaitUntilHook;
}

const NAMES = new Set<string>([
  'apiKey',
  'projectId',
  'baseUrl',
  'enabled',
  'openTelemetry',
  'environment',
  'versionId',
  'logger',
  'logLevel',
  'mask',
  'capture',
  'feedback',
  'delivery',
  'spool',
  'exporter',
  'dispatcher',
  'allowInsecureHttp',
  'handleSignals',
  'waitUntil',
  'onDrop',
  'onError',
  'onAccepted',
  'onDelivered',
] satisfies (keyof PhosphoOptions)[]);

const MiB = 1024 * 1024;

const RANGES: { readonly [name in Exclude<keyof DeliveryOptions, 'compression'>]-?: Range } = {
  maxBatchEvents: [1, 100, 1_000],
  maxBatchBytes: [1_024, MiB, 64 * MiB],
  lingerMs: [0, 500, 60_000],
  concurrency: [1, 2, 10],
  maxQueueEvents: [1, 10_000, 10_000_000],
  maxQueueBytes: [1_024, 32 * MiB, 1_024 * MiB],
  maxAgeMs: [1_000, 3_600_000, 7 * 86_400_000],
};

const SPOOL_RANGES = {
  maxBytes: [4 * MiB, 256 * MiB, 1024 * 1024 * MiB],
  maxAgeMs: [1_000, 86_400_000, 30 * 86_400_000],
} as const satisfies { readonly [name: string]: Range };

const SYNCS: readonly SpoolSync[] = ['never', 'interval', 'always'];
const COMPRESSIONS: readonly Compression[] = ['auto', 'off', 'gzip'];

/** Longer than any run of Jest. */
const JEST_LINGER_MS = 86_400_000;

/** Within a test file of Jest's; a process that one starts has the variable too. */
function isInJest(): boolean {
  return fromEnvironment('JEST_WORKER_ID') !== undefined && 'afterAll' in globalThis;
}

const FEEDBACK_NAMES = new Set<string>([
  'secret',
  'bind',
  'authorize',
  'acceptBareIds',
  'origins',
  'rawFlagToFlag',
  'limits',
] satisfies (keyof FeedbackOptions)[]);

/** Throws a PhosphoConfigError that names the option, what it takes and what came. */
export function checkOptions(options: PhosphoOptions): void {
  checkNames('new Phospho()', options, NAMES);
  for (const name of ['enabled', 'openTelemetry', 'allowInsecureHttp', 'handleSignals'] as const) {
    expectType(name, options[name], 'boolean');
  }
  for (const name of ['environment', 'versionId'] as const) {
    expectType(name, options[name], 'string');
  }
  // Null is an absent setting here as it is for the client.
  for (const name of ['apiKey', 'projectId'] as const) {
    expectType(name, options[name] ?? undefined, 'string');
  }
  for (const name of ['waitUntil', 'onDrop', 'onError', 'onAccepted', 'onDelivered'] as const) {
    expectType(name, options[name], 'function');
  }
  expectMethods('exporter', options.exporter, ['export', 'flag']);
  expectMethods('dispatcher', options.dispatcher, ['dispatch']);
  expectMethods('logger', options.logger, ['debug', 'info', 'warn', 'error']);
  checkFeedback(options.feedback);
}

function checkFeedback(feedback: FeedbackOptions | undefined): void {
  if (feedback === undefined) return;
  checkNames('option feedback', feedback, FEEDBACK_NAMES);
  for (const name of ['bind', 'authorize', 'rawFlagToFlag'] as const) {
    expectType(`feedback.${name}`, feedback[name], 'function');
  }
  expectType('feedback.acceptBareIds', feedback.acceptBareIds, 'boolean');
  if (feedback.bind && feedback.acceptBareIds) {
    throw new PhosphoConfigError(
      'option feedback.acceptBareIds accepts an id from anybody, which feedback.bind is to prevent: leave one of them out',
    );
  }
  checkLimits(feedback.limits);
  const { origins } = feedback;
  if (origins === undefined) return;
  if (!Array.isArray(origins)) throw wrong('feedback.origins', 'a list of origins', origins);
  for (const origin of origins as unknown[]) {
    if (origin === 'null' || (typeof origin === 'string' && originOf(origin) === origin)) continue;
    throw wrong('feedback.origins', 'a list of origins such as "https://app.example.com"', origin);
  }
}

const MAX_LIMIT = 1_000_000;

function checkLimits(limits: FeedbackLimits | undefined): void {
  if (limits === undefined) return;
  checkNames('option feedback.limits', limits, new Set(['perToken', 'perAddress', 'store']));
  numberIn('feedback.limits.perToken', limits.perToken, [1, 30, MAX_LIMIT]);
  numberIn('feedback.limits.perAddress', limits.perAddress, [1, 300, MAX_LIMIT]);
  expectType('feedback.limits.store', limits.store, 'function');
}

/** An origin as browsers send it: lower case, no path, no default port. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host } = new URL(text);
  return `${protocol}//${host}`;
}

export function resolveDelivery(
  options: DeliveryOptions = {},
  spool?: SpoolOptions | false,
): DeliverySettings {
  checkNames('option delivery', options, new Set([...Object.keys(RANGES), 'compression']));
  const read = (name: keyof typeof RANGES): number =>
    numberIn(`delivery.${name}`, options[name], RANGES[name]);
  const resolvedSpool = resolveSpool(spool);
  return {
    events: {
      queue: { maxEvents: read('maxQueueEvents'), maxBytes: read('maxQueueBytes') },
      batch: {
        maxEvents: read('maxBatchEvents'),
        maxBytes: read('maxBatchBytes'),
        lingerMs: options.lingerMs === undefined && isInJest() ? JEST_LINGER_MS : read('lingerMs'),
      },
      concurrency: read('concurrency'),
    },
    flags: {
      maxFlags: read('maxQueueEvents'),
      concurrency: 2,
      maxAgeMs: resolvedSpool?.maxAgeMs ?? read('maxAgeMs'),
    },
    maxAgeMs: read('maxAgeMs'),
    spool: resolvedSpool,
  };
}

function resolveSpool(option: SpoolOptions | false | undefined): SpoolSettings | undefined {
  if (option === false) return undefined;
  const dirFromEnvironment = fromEnvironment('PHOSPHO_SPOOL_DIR');
  if (option === undefined && dirFromEnvironment === undefined) return undefined;
  const given: Partial<SpoolOptions> = option ?? {};
  checkNames('option spool', given, new Set(['dir', 'sync', ...Object.keys(SPOOL_RANGES)]));
  const dir: unknown = given.dir ?? dirFromEnvironment;
  if (typeof dir !== 'string' || dir.trim() === '') {
    throw wrong('spool.dir (or PHOSPHO_SPOOL_DIR)', 'the path of a directory', dir);
  }
  return {
    // Absolute, so that an app that changes its working directory does not move it.
    dir: resolve(dir),
    sync: oneOf('spool.sync', given.sync, SYNCS, 'interval'),
    maxBytes: numberIn('spool.maxBytes', given.maxBytes, SPOOL_RANGES.maxBytes),
    maxAgeMs: numberIn('spool.maxAgeMs', given.maxAgeMs, SPOOL_RANGES.maxAgeMs),
  };
}

export function resolveCompression(options: DeliveryOptions = {}): Compression {
  return oneOf('delivery.compression', options.compression, COMPRESSIONS, 'auto');
}

export function resolveLogLevel(option: LogLevel | undefined): LogLevel {
  const given = option ?? (fromEnvironment('PHOSPHO_LOG_LEVEL') as LogLevel | undefined);
  return oneOf('logLevel (or PHOSPHO_LOG_LEVEL)', given, LOG_LEVELS, 'warn');
}

/** The secrets given, first the one that signs; empty: none was. */
export function resolveSecrets({ secret }: FeedbackOptions = {}): readonly string[] {
  const given = secret ?? fromEnvironment('PHOSPHO_FEEDBACK_SECRET');
  const secrets = given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (given !== undefined && secrets.length === 0) {
    throw wrong('feedback.secret', 'a text or a list of at least one', given);
  }
  for (const entry of secrets as unknown[]) {
    if (typeof entry === 'string' && entry.length >= MIN_SECRET_LENGTH) continue;
    const came = typeof entry === 'string' ? `${entry.length}` : show(entry);
    throw new PhosphoConfigError(
      `option feedback.secret (or PHOSPHO_FEEDBACK_SECRET) must have at least ${MIN_SECRET_LENGTH} characters, got ${came}; make one with: openssl rand -base64 32`,
    );
  }
  return secrets;
}

/** An environment variable; set but empty counts as not set. */
export function fromEnvironment(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** `1`, `true`, `yes` and `on`, in any case. */
export function isSet(name: string): boolean {
  return /^(1|true|yes|on)$/i.test(fromEnvironment(name) ?? '');
}
