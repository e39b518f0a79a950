import express5, { type Express } from 'express';
// @ts-expect-error -- an alias of Express 4 without types of its own; its API is the same where we use it
import express4 from 'express4';

type ExpressModule = typeof express5;

type Version = readonly [name: string, express: ExpressModule];

/** For `describe.each`: the two Express lines that the package supports. */
export const EXPRESS_VERSIONS: readonly [Version, Version] = [
  ['Express 4', express4 as ExpressModule],
  ['Express 5', express5],
];

export type { Express, ExpressModule };
