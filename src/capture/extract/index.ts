import { Formats } from './formats.ts';

export { Formats } from './formats.ts';

/** The known formats alone. */
export const KNOWN_FORMATS: Formats = new Formats();
