import * as z from 'zod';
import { errorAnswer } from '../answers/shared.ts';
import { answer, nameOf, refTo } from './registry.ts';

const PROTOBUF = 'application/x-protobuf';

const exported = answer(
  'ExportTraceServiceResponse',
  z.object({
    partialSuccess: z
      .object({
        rejectedSpans: z.string().describe('A 64-bit integer, as protobuf’s JSON writes it'),
        errorMessage: z.string(),
      })
      .exactOptional()
      .describe('Where spans were not taken; to send them again would not help'),
  }),
);

const status = answer(
  'OtlpStatus',
  z
    .object({
      code: z.int().exactOptional().describe('Of gRPC'),
      message: z.string().exactOptional(),
      detail: z.string(),
    })
    .describe('google.rpc.Status, and the detail that every error has'),
);

const ok = answer('Ok', z.object({ status: z.literal('ok') }));

const ERRORS: Readonly<Record<number, string>> = {
  400: 'The body cannot be decoded',
  401: 'No key, or one that is not valid',
  403: 'A key of another project, or a Host header that the collector does not go by',
  408: 'The request did not come in time',
  413: 'The body is too large, after decompression',
  415: 'The body is in an encoding that is not known',
  429: 'The project has reached a limit, or too many wrong keys have come from this address',
  503: 'The database is busy, or the collector is shutting down',
};

/** The paths that take OpenTelemetry's traces: no routes as the others are, since bodies and answers may be protobuf. */
export function otlpOperations(): Record<string, { post: object }> {
  return {
    '/v1/traces': {
      post: {
        operationId: 'postV1Traces',
        summary: 'Take spans: OTLP/HTTP, for the key’s project',
        ...shared(false),
        responses: {
          200: answered({
            'application/json': { schema: refTo(nameOf(exported)) },
            [PROTOBUF]: {},
          }),
          ...errors({ 'application/json': { schema: refTo(nameOf(status)) }, [PROTOBUF]: {} }),
        },
      },
    },
    '/v3/otl/{project_id}': {
      post: {
        operationId: 'postV3OtlProjectId',
        summary: 'Take spans, at the path of phospho’s own service',
        ...shared(true),
        responses: {
          200: answered({ 'application/json': { schema: refTo(nameOf(ok)) } }),
          ...errors({ 'application/json': { schema: refTo(nameOf(errorAnswer)) } }),
        },
      },
    },
  };
}

function shared(hasProject: boolean): object {
  return {
    description:
      'A span that tells of a model’s work becomes a task, those below it its steps, a few seconds after the last of ' +
      'its trace has come. When this is answered, the spans are on disk. See docs/otlp.md.',
    tags: ['Log'],
    security: [{ apiKey: ['write'] }],
    ...(hasProject && {
      parameters: [{ name: 'project_id', in: 'path', required: true, schema: { type: 'string' } }],
    }),
    requestBody: {
      required: false,
      description: 'An ExportTraceServiceRequest',
      content: {
        'application/json': { schema: { type: 'object', additionalProperties: true } },
        [PROTOBUF]: {},
      },
    },
  };
}

function answered(content: object): object {
  return {
    description: 'Done',
    headers: { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } },
    content,
  };
}

function errors(content: object): Record<string, object> {
  return Object.fromEntries(
    Object.entries(ERRORS).map(([code, description]) => [
      code,
      {
        description,
        headers: {
          'X-Request-Id': { $ref: '#/components/headers/RequestId' },
          ...((code === '503' || code === '429') && {
            'Retry-After': { $ref: '#/components/headers/RetryAfter' },
          }),
          ...(code === '401' && { 'WWW-Authenticate': { $ref: '#/components/headers/Challenge' } }),
        },
        content,
      },
    ]),
  );
}
