import type { Format } from '../capture/extract/format.ts';
import { guardFormat, type ReportFormat } from '../capture/extract/guarded-format.ts';
import { PhosphoConfigError } from '../errors.ts';
import { show } from '../option-checks.ts';

const METHODS = ['request', 'isRequest', 'response', 'stream'] as const;
/** Methods of which one must be there: `isRequest` alone reads nothing. */
const READERS = ['request', 'response', 'stream'] as const;
const MAX_NAME = 100;

/** The user's formats, checked and fenced in. Throws a PhosphoConfigError for what is none. */
export function resolveFormats(option: unknown, report: ReportFormat): Format[] {
  if (option === undefined) return [];
  if (!Array.isArray(option)) {
    throw new PhosphoConfigError(
      `middleware() option formats must be a list of formats ({ name, request, isRequest, response, stream }), got ${show(option)}`,
    );
  }
  return option.map((format, index) =>
    guardFormat(checkFormat(format, `formats[${index}]`), report),
  );
}

function checkFormat(value: unknown, at: string): Format {
  const format = Object(value) as { [key: string]: unknown };
  if (typeof value !== 'object' || value === null) {
    throw new PhosphoConfigError(
      `middleware() option ${at} must be an object with a name and at least one of the functions ${READERS.join(', ')}, got ${show(value)}`,
    );
  }
  const { name } = format;
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
    throw new PhosphoConfigError(
      `middleware() option ${at}.name must be a string of 1 to ${MAX_NAME} characters, got ${show(name)}`,
    );
  }
  for (const method of METHODS) {
    const given = format[method];
    if (given !== undefined && typeof given !== 'function') {
      throw new PhosphoConfigError(
        `middleware() option ${at}.${method} must be a function, got ${show(given)}`,
      );
    }
  }
  if (READERS.every((method) => format[method] === undefined)) {
    throw new PhosphoConfigError(
      `middleware() option ${at} (${JSON.stringify(name)}) must have at least one of the functions ${READERS.join(', ')}, got none`,
    );
  }
  return format as unknown as Format;
}
