import * as z from 'zod';
import { documentOf, type OpenApiDocument } from '../openapi/document.ts';
import { answer } from '../openapi/registry.ts';
import { open, type Route } from './route.ts';

const document: z.ZodType<object> = answer(
  'OpenApiDocument',
  z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
);

/** `GET /openapi.json`: what all routes take and answer, this one included. */
export function openapiRoute(routes: () => readonly Route[]): Route {
  let made: OpenApiDocument | undefined;
  return open({
    method: 'GET',
    path: '/openapi.json',
    roots: [''],
    tag: 'Service',
    summary: 'This document',
    answer: document,
    handle: async ({ mountedAt }) => {
      // Made when it is first asked for: few collectors ever are.
      made ??= documentOf(routes());
      return mountedAt === '' ? made : { ...made, servers: [{ url: mountedAt }] };
    },
  });
}
