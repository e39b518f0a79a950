import type * as z from 'zod';
import { VERSION } from '../../internal/version.ts';
import { errorAnswer, invalidAnswer } from '../answers/shared.ts';
import type { Route } from '../routes/route.ts';
import { METRICS_OPERATION } from './metrics-operation.ts';
import { otlpOperations } from './otlp-operations.ts';
import { type JsonSchema, jsonSchemaOf, namedSchemas, nameOf, refTo } from './registry.ts';

export type OpenApiDocument = Record<string, unknown> & {
  paths: Record<string, Record<string, unknown>>;
};

/** Makes the OpenAPI document of routes: the schemas that check requests are the ones that it shows. */
export function documentOf(routes: readonly Route[]): OpenApiDocument {
  const paths: OpenApiDocument['paths'] = {};
  for (const route of routes) {
    for (const root of route.roots ?? ['/v2']) {
      const path = (root + route.path).replace(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, path) };
    }
  }
  paths['/metrics'] = { get: METRICS_OPERATION };
  Object.assign(paths, otlpOperations());
  return {
    openapi: '3.1.1',
    info: {
      title: 'phospho-express collector',
      version: VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'phospho’s HTTP API, kept by a collector of your own. A trailing slash is tolerated on every path. ' +
        'Every answer has an X-Request-Id; every error a detail. A request body may be compressed ' +
        '(gzip, deflate, br). An id of another project is answered as one that is unknown.',
    },
    servers: [{ url: '/' }],
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: namedSchemas(),
      responses: ERRORS,
      headers: HEADERS,
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'A project’s API key' },
        adminToken: { type: 'http', scheme: 'bearer', description: 'The collector’s adminToken' },
        metricsToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The collector’s metricsToken',
        },
      },
    },
  };
}

const TAGS: readonly Route['tag'][] = [
  ...([
    'Log',
    'Tasks',
    'Sessions',
    'Projects',
    'Tests',
    'Judge',
    'Administration',
    'Service',
  ] as const),
];

function operationOf(route: Route, path: string): Record<string, unknown> {
  const { summary, description, tag, method } = route;
  return {
    operationId: `${method.toLowerCase()}${path.replace(/\W+(\w)/g, (_, c) => c.toUpperCase()).replace(/\W/g, '')}`,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    security: securityOf(route),
    ...parametersOf(route, path),
    ...(route.body !== undefined && { requestBody: requestBodyOf(route, route.body) }),
    responses: {
      200: {
        description: 'Done',
        headers: { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } },
        content: { 'application/json': { schema: refTo(nameOf(route.answer)) } },
      },
      ...Object.fromEntries(
        errorsOf(route).map((status) => [status, { $ref: `#/components/responses/${status}` }]),
      ),
    },
  };
}

/** With the scope that a key must have. */
function securityOf(route: Route): object[] {
  switch (route.access) {
    case 'open':
      return [{}];
    case 'key':
      return [{ apiKey: [route.scope] }];
    case 'key-or-public':
      return [{ apiKey: [route.scope] }, {}];
    case 'admin': {
      const isOfOne = route.path.includes('/:project_id');
      return [{ adminToken: [] }, ...(isOfOne ? [{ apiKey: ['admin'] }] : [])];
    }
  }
}

function parametersOf({ query }: Route, path: string): { parameters?: object[] } {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const properties = query === undefined ? {} : jsonSchemaOf(query).properties;
  const inQuery = Object.entries((properties ?? {}) as Record<string, JsonSchema>).map(
    ([name, { description, ...schema }]) => ({
      name,
      in: 'query',
      ...(description !== undefined && { description }),
      schema,
    }),
  );
  const parameters = [...inPath, ...inQuery];
  return parameters.length === 0 ? {} : { parameters };
}

function requestBodyOf({ example }: Route, body: z.ZodType): object {
  return {
    required: !body.safeParse({}).success,
    content: {
      'application/json': {
        schema: refTo(nameOf(body)),
        ...(example !== undefined && { example }),
      },
    },
  };
}

/** What each kind of route may answer beside 200. */
function errorsOf(route: Route): number[] {
  const statuses = new Set<number>([400, 403, 503, ...(route.errors ?? [])]);
  if (route.access !== 'open') for (const status of [401, 429]) statuses.add(status);
  if (route.countEvents !== undefined) statuses.add(413);
  if (route.body !== undefined) for (const status of [408, 413, 415, 422]) statuses.add(status);
  if (route.query !== undefined) statuses.add(422);
  return [...statuses].sort((a, b) => a - b);
}

const HEADERS = {
  RequestId: {
    description: 'The request’s own X-Request-Id, if it had one, else a new one',
    schema: { type: 'string' },
  },
  RetryAfter: {
    description: 'Seconds to wait before the next attempt',
    schema: { type: 'string' },
  },
  Challenge: { schema: { const: 'Bearer' } },
};

const DESCRIPTIONS: Record<number, string> = {
  400: 'A malformed path or body, or a verdict that is none',
  401: 'No key, or one that is not valid',
  403: 'A key of another project or without the scope, or a Host header that the collector does not go by',
  404: 'No such id in this project',
  408: 'The request did not come in time',
  409: 'It is there already, or has changed since',
  413: 'The body is too large, after decompression',
  415: 'The body is no JSON, or in an encoding that is not known',
  422: 'The body or query has not the shape that it must have',
  429: 'The project has reached a limit, or too many wrong keys have come from this address',
  501: 'No judge is configured',
  503: 'The database is busy, too much is under way, or the collector is shutting down',
};

const ERRORS: Record<string, object> = Object.fromEntries(
  Object.entries(DESCRIPTIONS).map(([status, description]) => [
    status,
    {
      description,
      headers: {
        'X-Request-Id': { $ref: '#/components/headers/RequestId' },
        ...((status === '503' || status === '429') && {
          'Retry-After': { $ref: '#/components/headers/RetryAfter' },
        }),
        ...(status === '401' && { 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } }),
      },
      content: {
        'application/json': {
          schema: refTo(nameOf(status === '422' ? invalidAnswer : errorAnswer)),
        },
      },
    },
  ]),
);
