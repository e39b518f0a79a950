import type { Mask } from '../mask.ts';
import { maskCards } from './cards.ts';
import { maskEmails } from './emails.ts';
import { maskIbans } from './ibans.ts';
import { maskIpAddresses } from './ip-addresses.ts';
import { maskKeys } from './keys.ts';
import { maskPhones } from './phones.ts';

/**
 * Ready masks for the option `mask`. Each works alone or in a list, in time proportional to the text, and
 * leaves its own markers as they are. What each finds and what it does not: `docs/privacy.md`.
 *
 * @example
 * ```ts
 * import { maskRules, Phospho } from 'phospho-express';
 *
 * const phospho = new Phospho({
 *   mask: [maskRules.emails, maskRules.cards, maskRules.keys(['password', 'ssn'])],
 * });
 * console.log(maskRules.emails('write to ada@example.com')); // write to [email]
 * ```
 */
export const maskRules: {
  /** `ada@example.com` → `[email]`. */
  readonly emails: Mask;
  /**
   * `+33 6 12 34 56 78`, `(415) 555-2671`, `06 12 34 56 78` → `[phone]`, and 7 to 15 digits after a word such
   * as `phone`. Not: other national numbers without a leading zero.
   */
  readonly phones: Mask;
  /** `4111 1111 1111 1111` → `[card]`: by the issuer's beginning, the length and the check digit (Luhn). */
  readonly cards: Mask;
  /** `DE89 3704 0044 0532 0130 00` → `[iban]`: by the country's length and the check digits (mod 97). */
  readonly ibans: Mask;
  /** `203.0.113.7`, `2001:db8::1` → `[ip]`. Not: loopback addresses, and what a version number may be. */
  readonly ipAddresses: Mask;
  /**
   * The values under these names → `[masked]`, in bodies, metadata and JSON within texts, at any depth. Names
   * are compared without case, `_`, `-`, dots and spaces; null stays.
   *
   * @throws PhosphoConfigError if it is given no list of names.
   */
  keys(names: readonly string[]): Mask;
} = {
  emails: maskEmails,
  phones: maskPhones,
  cards: maskCards,
  ibans: maskIbans,
  ipAddresses: maskIpAddresses,
  keys: maskKeys,
};
