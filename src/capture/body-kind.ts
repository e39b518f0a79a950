/**
 * What kind of body a Content-Type announces: `lines` are JSON values, one a line; `untyped` where there is none,
 * as on bare `node:http`.
 */
export type BodyKind = 'json' | 'events' | 'lines' | 'text' | 'untyped' | 'binary';

/** `application/x-ndjson`, `application/jsonl`, `application/json-seq`, `application/stream+json` … */
const LINES =
  /^(?:application|text)\/(?:x-)?(?:nd-?json|jsonl|jsonlines|json-lines|json-stream|json-seq|stream\+json|(?:[\w.-]+\+)(?:json-seq|ndjson|jsonl))$/;

/** The encoding that a Content-Type names; undefined: UTF-8, which a stream of events always is. */
export function charsetOf(contentType: string | undefined): string | undefined {
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? '') ?? [];
  const isUtf8 = charset === undefined || /^utf-?8$/i.test(charset);
  return isUtf8 || kindOf(contentType) === 'events' ? undefined : charset;
}

export function kindOf(contentType: string | undefined): BodyKind {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '') return 'untyped';
  if (type === 'text/event-stream') return 'events';
  if (LINES.test(type)) return 'lines';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  return type.startsWith('text/') ? 'text' : 'binary';
}

/** Whether it is a stream by its name. */
export function isStreamed(kind: BodyKind | undefined): boolean {
  return kind === 'events' || kind === 'lines';
}
