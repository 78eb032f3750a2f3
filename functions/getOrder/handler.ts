import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { etagOf } from '../../lib/http/version.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { findOrder } from '../../lib/order/find.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

type Deps = { repository: Repository; callers: Callers };

/**
 * getOrder shows one order.
 *
 * Trigger: `GET /api/orders/{id}`
 * Input: the order's id
 * Answers: 200 with the order and its `etag`; 404 for unknown and malformed ids; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, its own writes included
 */
export const createHandler = ({ repository, callers }: Deps) =>
  httpHandler(
    { operation: ORDER_OPERATIONS['GET /api/orders/{id}'], callers },
    async ({ path: { id } }, { allows }) => {
      const order = await findOrder(repository, id, allows);
      return { ...ok(order), headers: { etag: etagOf(order.version) } };
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  repository: createRepository(openStore(config)),
  callers: createCallers(config),
});
