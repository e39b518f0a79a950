import { MAX_DETAIL_CHARS } from './limits.ts';

/** What the body of an error answer says: its `detail`, else all of it; undefined for a page or nothing. */
export function detailOf(text: string, contentType: string): unknown {
  const body = text.trim();
  if (body === '' || isPage(body, contentType)) return undefined;
  try {
    const json: unknown = JSON.parse(body);
    return isObject(json) && 'detail' in json ? json.detail : json;
  } catch {
    return body;
  }
}

/** An HTML or XML page, which says nothing to the reader of a log. */
export function isPage(body: string, contentType: string): boolean {
  return /\b(html|xml)\b/i.test(contentType) || body.trimStart().startsWith('<');
}

/** A detail in one line for a message, e.g. `body.flag: field required`. Empty where there is none. */
export function renderDetail(detail: unknown): string {
  if (detail === undefined || detail === null) return '';
  return oneLine(Array.isArray(detail) ? detail.map(renderItem).join('; ') : renderItem(detail));
}

/** One line without control characters, shortened. */
export function oneLine(text: string): string {
  // More than is kept, yet not a megabyte of it.
  const line = text
    .slice(0, MAX_DETAIL_CHARS * 4)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return line.length > MAX_DETAIL_CHARS ? `${line.slice(0, MAX_DETAIL_CHARS - 1)}…` : line;
}

function renderItem(item: unknown): string {
  if (typeof item === 'string') return item;
  if (isObject(item)) {
    const text =
      item.msg ?? item.message ?? (isObject(item.error) ? item.error.message : item.error);
    const where = Array.isArray(item.loc) ? item.loc.map(String).join('.') : '';
    if (typeof text === 'string') return where === '' ? text : `${where}: ${text}`;
  }
  return JSON.stringify(item);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
