import { loadApiConfig } from '../../lib/config.ts';
import { AppError } from '../../lib/errors.ts';
import { HEALTH_OPERATIONS } from '../../lib/health/api.ts';
import { checkHealth, type HealthDeps } from '../../lib/health/check.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { createProbe } from '../../lib/kafka/probe.ts';
import { silenceOf } from '../../lib/kafka/silence.ts';
import { createStandstill } from '../../lib/kafka/standstill.ts';
import { createRepository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

/**
 * health says whether orders can be placed.
 *
 * Trigger: `GET /api/health`
 * Input: nothing
 * Answers: 200 with `ok` or `degraded`, and each dependency's state for an operator; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only
 */
export const createHandler = ({ callers, ...deps }: HealthDeps & { callers: Callers }) =>
  httpHandler(
    { operation: HEALTH_OPERATIONS['GET /api/health'], callers },
    async (_, { caller, timeLeftMs }) => {
      const { status, ...details } = await checkHealth(deps, timeLeftMs());
      const isOperator = caller.kind === 'operator';
      if (status === 'unavailable') {
        const { dependencies } = details;
        const shown = isOperator ? { dependencies } : {};
        throw new AppError('DATABASE_AWAY', 'The order store does not answer.', shown);
      }
      const auth = callers.areDemanded ? {} : ({ auth: 'off' } as const);
      const body = { success: true, status, ...auth, ...(isOperator && details) };
      return { statusCode: 200, body };
    },
  );

const config = loadApiConfig();
const store = openStore(config);
const repository = createRepository(store);
const standstill = createStandstill(store);
const probe = createProbe(config.brokers, config.signIn, silenceOf(config));

export const handler = createHandler({
  clock: store.clock,
  backlog: () => repository.backlog.summary(),
  stuck: () => standstill.stuck(),
  checkKafka: (timeoutMs) => probe.check(config.eventsTopic, timeoutMs),
  callers: createCallers(config),
});
