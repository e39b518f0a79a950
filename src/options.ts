import type { Dispatcher } from 'undici';
import type { Mask } from './capture/mask.ts';
import type { DeliverySettings } from './delivery/delivery.ts';
import type { Exporter } from './delivery/exporter.ts';
import type { DeliveryHooks } from './delivery/observers.ts';
import { PhosphoConfigError } from './errors.ts';
import type { FeedbackOptions } from './express/feedback-router.ts';
import { MIN_SECRET_LENGTH } from './feedback/token.ts';
import { LOG_LEVELS, type Logger, type LogLevel } from './internal/logger.ts';

/** Bounds and pace of delivery; see `docs/` for what each default was chosen for. */
export interface DeliveryOptions {
  /** Events in a batch at most; 1 to 1000. Default: 100, what phospho takes without strain. */
  maxBatchEvents?: number;
  /** Bytes of JSON in a batch at most; a larger event goes alone. Default: 1 MiB. */
  maxBatchBytes?: number;
  /** How long the first event of a batch waits for others, milliseconds, 0 to 60000. Default: 500. */
  lingerMs?: number;
  /** Batches under way at once; 1 to 10. Default: 2. */
  concurrency?: number;
  /** Events waiting at most; beyond, the oldest is dropped and counted. Default: 10000. */
  maxQueueEvents?: number;
  /** Bytes of JSON waiting at most. Default: 32 MiB. */
  maxQueueBytes?: number;
  /** An event that cannot be delivered for so long is dropped, milliseconds. Default: one hour. */
  maxAgeMs?: number;
}

/** Options of `new Phospho()`. Everything has an environment variable or a default. */
export interface PhosphoOptions extends DeliveryHooks {
  /** Default: `PHOSPHO_API_KEY`, read when needed. Without a key nothing is recorded, with one warning. */
  apiKey?: string;
  /** Default: `PHOSPHO_PROJECT_ID`, read when needed. */
  projectId?: string;
  /** The API, its version included. Default: `PHOSPHO_BASE_URL`, else `https://api.phospho.ai/v2`. */
  baseUrl?: string;
  /** False: middleware, decorators and wrappers pass everything through. Default: `PHOSPHO_DISABLED` unset. */
  enabled?: boolean;
  /** Where the app runs, e.g. `production`. Default: `PHOSPHO_ENVIRONMENT`, else phospho's own default. */
  environment?: string;
  /** The app's version, recorded with each task. Default: none. */
  versionId?: string;
  /** Default: the console. */
  logger?: Logger;
  /** Default: `PHOSPHO_LOG_LEVEL`, else `warn`. */
  logLevel?: LogLevel;
  /**
   * Replaces what must not leave, in every text and key of an event and in a flag's notes. If it throws,
   * no text leaves. Credential shapes are always masked. Default: none.
   */
  mask?: Mask;
  feedback?: FeedbackOptions;
  delivery?: DeliveryOptions;
  /** Takes the batches instead of phospho's API. */
  exporter?: Exporter;
  /** An undici dispatcher, for a proxy or mTLS. Default: an Agent of our own, with few sockets. */
  dispatcher?: Dispatcher;
  /** Lets the key travel over plain http to other hosts. Default: `PHOSPHO_ALLOW_HTTP`, else false. */
  allowInsecureHttp?: boolean;
}

const NAMES = new Set<string>([
  'apiKey',
  'projectId',
  'baseUrl',
  'enabled',
  'environment',
  'versionId',
  'logger',
  'logLevel',
  'mask',
  'feedback',
  'delivery',
  'exporter',
  'dispatcher',
  'allowInsecureHttp',
  'onDrop',
  'onError',
  'onAccepted',
] satisfies (keyof PhosphoOptions)[]);

const MiB = 1024 * 1024;

const RANGES: { [name in keyof DeliveryOptions]-?: [min: number, standard: number, max: number] } =
  {
    maxBatchEvents: [1, 100, 1_000],
    maxBatchBytes: [1_024, MiB, 64 * MiB],
    lingerMs: [0, 500, 60_000],
    concurrency: [1, 2, 10],
    maxQueueEvents: [1, 10_000, 10_000_000],
    maxQueueBytes: [1_024, 32 * MiB, 1_024 * MiB],
    maxAgeMs: [1_000, 3_600_000, 7 * 86_400_000],
  };

const FEEDBACK_NAMES = new Set<string>([
  'secret',
  'authorize',
  'acceptBareIds',
  'origins',
] satisfies (keyof FeedbackOptions)[]);

/** Throws a PhosphoConfigError that names the option, what it takes and what came. */
export function checkOptions(options: PhosphoOptions): void {
  checkNames('new Phospho()', options, NAMES);
  for (const name of ['enabled', 'allowInsecureHttp'] as const) {
    expectType(name, options[name], 'boolean');
  }
  for (const name of ['environment', 'versionId'] as const) {
    expectType(name, options[name], 'string');
  }
  // Null is an absent setting here as it is for the client.
  for (const name of ['apiKey', 'projectId'] as const) {
    expectType(name, options[name] ?? undefined, 'string');
  }
  for (const name of ['mask', 'onDrop', 'onError', 'onAccepted'] as const) {
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
  expectType('feedback.authorize', feedback.authorize, 'function');
  expectType('feedback.acceptBareIds', feedback.acceptBareIds, 'boolean');
  const { origins } = feedback;
  if (origins === undefined) return;
  if (!Array.isArray(origins)) throw wrong('feedback.origins', 'a list of origins', origins);
  for (const origin of origins as unknown[]) {
    if (origin === 'null' || (typeof origin === 'string' && originOf(origin) === origin)) continue;
    throw wrong('feedback.origins', 'a list of origins such as "https://app.example.com"', origin);
  }
}

/** An origin as browsers send it: lower case, no path, no default port. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host } = new URL(text);
  return `${protocol}//${host}`;
}

function checkNames(taker: string, given: object, names: ReadonlySet<string>): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new PhosphoConfigError(`${taker} takes an object, got ${show(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !names.has(name));
  if (unknown === undefined) return;
  throw new PhosphoConfigError(
    `${taker} has no option "${unknown}"; it takes: ${[...names].join(', ')}`,
  );
}

function expectType(name: string, value: unknown, type: string): void {
  if (value === undefined || typeof value === type) return;
  throw wrong(name, `a ${type}`, value);
}

function expectMethods(name: string, value: object | undefined, methods: readonly string[]): void {
  if (value === undefined) return;
  const given = Object(value) as { [method: string]: unknown };
  if (methods.every((method) => typeof given[method] === 'function')) return;
  throw wrong(name, `an object with the method(s) ${methods.join(', ')}`, value);
}

function wrong(name: string, accepted: string, value: unknown): PhosphoConfigError {
  return new PhosphoConfigError(`option ${name} must be ${accepted}, got ${show(value)}`);
}

/** A value and its type, whatever it is; never a whole object, which may hold a secret. */
function show(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, 60))} (string)`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : `${String(value)} (${typeof value})`;
}

export function resolveDelivery(options: DeliveryOptions = {}): DeliverySettings {
  checkNames('option delivery', options, new Set(Object.keys(RANGES)));
  const read = (name: keyof DeliveryOptions): number => {
    const [min, standard, max] = RANGES[name];
    const value = options[name] ?? standard;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw wrong(`delivery.${name}`, `a whole number from ${min} to ${max}`, value);
  };
  return {
    events: {
      queue: { maxEvents: read('maxQueueEvents'), maxBytes: read('maxQueueBytes') },
      batch: {
        maxEvents: read('maxBatchEvents'),
        maxBytes: read('maxBatchBytes'),
        lingerMs: read('lingerMs'),
      },
      concurrency: read('concurrency'),
      maxAgeMs: read('maxAgeMs'),
    },
    flags: { maxFlags: read('maxQueueEvents'), concurrency: 2, maxAgeMs: read('maxAgeMs') },
  };
}

export function resolveLogLevel(option: LogLevel | undefined): LogLevel {
  const level = option ?? fromEnvironment('PHOSPHO_LOG_LEVEL') ?? 'warn';
  if ((LOG_LEVELS as readonly string[]).includes(level)) return level as LogLevel;
  throw wrong('logLevel (or PHOSPHO_LOG_LEVEL)', `one of ${LOG_LEVELS.join(', ')}`, level);
}

/** The secrets given, first the one that signs; empty: none was. */
export function resolveSecrets({ secret }: FeedbackOptions = {}): readonly string[] {
  const given = secret ?? fromEnvironment('PHOSPHO_FEEDBACK_SECRET');
  const secrets = given === undefined ? [] : Array.isArray(given) ? given : [given];
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
