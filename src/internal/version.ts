/** This package's version, as in package.json; it goes into the `user-agent` of every call. */
export const VERSION: string = '0.1.0';
