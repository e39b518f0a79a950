/**
 * Whether what belongs to `key` is kept at a rate from 0 to 1. The same key has the same answer in every
 * process, so that a conversation is whole or absent; what is kept at a rate is kept at every higher one, too.
 */
export function isKept(rate: number, key: string): boolean {
  return rate >= 1 || hash(key) < rate * 2 ** 32;
}

/**
 * FNV-1a, then the finaliser of MurmurHash3: ids that differ in their last characters alone must spread evenly.
 * Source: http://www.isthe.com/chongo/tech/comp/fnv/, https://github.com/aappleby/smhasher (public domain).
 */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
