import { loadConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { etagOf } from '../../lib/http/version.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { findOrder } from '../../lib/order/find.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

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
export const createHandler = (repository: Repository) =>
  httpHandler(ORDER_OPERATIONS['GET /api/orders/{id}'], async ({ path: { id } }) => {
    const order = await findOrder(repository, id);
    return { ...ok(order), headers: { etag: etagOf(order.version) } };
  });

export const handler = createHandler(createRepository(openStore(loadConfig())));
