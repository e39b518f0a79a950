/** Characters of each text. */
export const SIZE = 1_000_000;

/** What a scanner may be led astray by, repeated: what almost is of a kind, and what is. */
const UNITS = {
  credentials: ['eyJ-', 'eyJaaaaaaaa.', 'sk-', 'sk-a', '_', 'ghp_', 'bearer ', '-----BEGIN '],
  emails: ['a@', '@', 'a@b.c.', 'a@1.', 'ada@example.com ', 'a.', 'a-'],
  phones: ['1', '1 ', '01 ', '030 ', '(1', '+1 ', '+12345678 ', '415-555-', 'phone 1234567;', '- '],
  cards: ['4', '4111 ', '4111-1111-', '4111111111111111 ', '4111 1111 1111 1111 ', ' '],
  ibans: ['DE89', 'DE89 3704 ', 'DE89 3704 0044 0532 0130 01 ', 'a', '1'],
  ipAddresses: ['1.1.', '1.1.1.1 ', '::', '2001:', '2001:: ', '2001:db8::1 ', 'version 1.1.1.1 '],
  keys: ['"', '{"a":', '"password":"', '"password":[', '\\"password\\":\\"', '\\"', '\\', ': '],
};

export const RULES = Object.keys(UNITS);

/** By rule, texts of `characters` each. Joined and read once, so that no text is a rope. */
export function textsOf(rule, characters) {
  return UNITS[rule].map((unit) => Buffer.alloc(characters, unit, 'latin1').toString('latin1'));
}
