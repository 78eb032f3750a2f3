import * as z from 'zod';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';

/** One dependency: its state, and the time that its answer took. */
const dependencyState = z.strictObject({
  state: z.enum(['up', 'down']),
  latencyMs: z.int().min(0),
});

export const dependenciesSchema = z.strictObject({
  dynamodb: dependencyState,
  kafka: dependencyState,
});

/** `unavailable`: no request can be served. `degraded`: changes are taken, events or customers wait. */
const healthSchema = z.strictObject({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  auth: z
    .literal('off')
    .describe('No caller needs a token. Absent if tokens are required.')
    .optional(),
  dependencies: dependenciesSchema
    .describe('If tokens are required, only operators see this field and the ones below.')
    .optional(),
  oldestPendingEventSeconds: z
    .int()
    .min(0)
    .describe('Age of the oldest event that is not on the topic yet. Absent if none waits.')
    .optional(),
  refusedOrders: z
    .int()
    .min(1)
    .describe(
      'Number of orders whose next event Kafka refuses; 100 means 100 or more. Absent if there are none.',
    )
    .optional(),
  stuckRecords: z
    .array(
      z.strictObject({
        topic: z.string(),
        partition: z.int().min(0),
        offset: z.int().min(0),
        since: z.iso.datetime({ precision: 3 }),
        code: z.string().describe('The code of the error.'),
      }),
    )
    .describe(
      'Records at which notify has failed for minutes, while later records wait. Absent if there are none.',
    )
    .optional(),
});

export type DependencyState = z.infer<typeof dependencyState>;
export type Health = z.infer<typeof healthSchema>;

/** The operation of the health check: the handler answers by it, and the documents show it. */
export const HEALTH_OPERATIONS = {
  'GET /api/health': {
    id: 'health',
    rule: 'open',
    summary: 'Check whether orders can be placed',
    description:
      '`degraded`: changes are taken, but Kafka is away, an event has waited for long, or a failing record blocks its partition. The answer is 503 only when DynamoDB is away. If tokens are required, only an operator sees more than `status`.',
    input: {},
    request: {},
    answer: {
      status: 200,
      description: 'Orders can be placed.',
      schema: healthSchema.extend({ success: z.literal(true), status: z.enum(['ok', 'degraded']) }),
      example: {
        success: true,
        status: 'ok',
        dependencies: {
          dynamodb: { state: 'up', latencyMs: 4 },
          kafka: { state: 'up', latencyMs: 7 },
        },
      },
    },
    refusals: ['DATABASE_AWAY'],
  },
} satisfies Partial<Record<Route, Operation>>;
