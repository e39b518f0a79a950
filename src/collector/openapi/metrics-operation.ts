/** `GET /metrics` is no route as the others are: its answer is no JSON. */
export const METRICS_OPERATION: object = {
  operationId: 'getMetrics',
  summary: 'Metrics in Prometheus’ text format',
  description:
    'For requests of the same machine that no proxy has passed on or, where a metricsToken is set, for its holders.',
  tags: ['Service'],
  security: [{}, { metricsToken: [] }],
  responses: {
    200: {
      description: 'Done',
      headers: { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } },
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
    401: { $ref: '#/components/responses/401' },
    403: { $ref: '#/components/responses/403' },
    429: { $ref: '#/components/responses/429' },
  },
};
