import { PhosphoConfigError } from '../errors.ts';
import { show } from '../option-checks.ts';
import type { Mask } from './mask.ts';
import type { Capture, Privacy } from './privacy.ts';

export interface PrivacyOptions {
  mask?: Mask | readonly Mask[] | undefined;
  capture?: Capture | undefined;
}

/** `taker`: what the options are of, as an error begins. */
export function resolvePrivacy(taker: string, { mask, capture = 'full' }: PrivacyOptions): Privacy {
  if (capture !== 'full' && capture !== 'metadata') {
    throw new PhosphoConfigError(
      `${taker} capture must be "full" or "metadata", got ${show(capture)}`,
    );
  }
  const masks: unknown = mask === undefined ? [] : typeof mask === 'function' ? [mask] : mask;
  const bad = Array.isArray(masks) ? masks.findIndex((entry) => typeof entry !== 'function') : 0;
  if (Array.isArray(masks) && bad < 0) return { masks: [...masks], capture };
  throw new PhosphoConfigError(
    `${taker} mask must be a function, or a list of functions such as maskRules.emails, got ${show(Array.isArray(masks) ? masks[bad] : masks)}`,
  );
}
