import { loadConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { listEvents } from '../../lib/order/history.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

/**
 * listOrderEvents shows what was published of an order, and what waits.
 *
 * Trigger: `GET /api/orders/{id}/events`
 * Input: the order's id
 * Answers: 200 with its events in their sequence; 404 for unknown and malformed ids; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, its own writes included
 */
export const createHandler = (repository: Repository) =>
  httpHandler(ORDER_OPERATIONS['GET /api/orders/{id}/events'], async ({ path: { id } }) =>
    ok(await listEvents(repository, id)),
  );

export const handler = createHandler(createRepository(openStore(loadConfig())));
