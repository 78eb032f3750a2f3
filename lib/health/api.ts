import * as z from 'zod';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';

/** One dependency: whether it answered within its time, and how long that took. */
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
    .describe('Nobody is asked for a token. Absent where tokens are demanded.')
    .optional(),
  dependencies: dependenciesSchema
    .describe('This and all that follows is for operators only, where tokens are demanded.')
    .optional(),
  oldestPendingEventSeconds: z
    .int()
    .min(0)
    .describe('Age of the oldest event that is not on the topic yet; absent when none waits.')
    .optional(),
  refusedOrders: z
    .int()
    .min(1)
    .describe('Orders whose next event Kafka refuses, 100 standing for more; absent when none.')
    .optional(),
  stuckRecords: z
    .array(
      z.strictObject({
        topic: z.string(),
        partition: z.int().min(0),
        offset: z.int().min(0),
        since: z.iso.datetime({ precision: 3 }),
        code: z.string().describe('Why: the code of the error.'),
      }),
    )
    .describe('Records that cannot be told for minutes; those behind them wait. Absent when none.')
    .optional(),
});

export type DependencyState = z.infer<typeof dependencyState>;
export type Health = z.infer<typeof healthSchema>;

/** The operation of the health check: the handler answers by it, and the documents show it. */
export const HEALTH_OPERATIONS = {
  'GET /api/health': {
    id: 'health',
    rule: 'open',
    summary: 'Ask whether orders can be taken',
    description:
      '`degraded`: changes are taken, but Kafka is away, an event has waited for long, or a record that fails holds up those behind it. 503 only when DynamoDB is away. Where tokens are demanded, only an operator sees more than `status`.',
    input: {},
    request: {},
    answer: {
      status: 200,
      description: 'Orders can be taken.',
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
