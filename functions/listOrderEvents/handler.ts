import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { listEvents } from '../../lib/order/history.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

type Deps = { repository: Repository; callers: Callers };

/**
 * listOrderEvents shows the events of an order, published and pending.
 *
 * Trigger: `GET /api/orders/{id}/events`
 * Input: the order's id
 * Answers: 200 with its events in their sequence; 404 for unknown and malformed ids; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, its own writes included
 */
export const createHandler = ({ repository, callers }: Deps) =>
  httpHandler(
    { operation: ORDER_OPERATIONS['GET /api/orders/{id}/events'], callers },
    async ({ path: { id } }, { allows }) => ok(await listEvents(repository, id, allows)),
  );

const config = loadApiConfig();

export const handler = createHandler({
  repository: createRepository(openStore(config)),
  callers: createCallers(config),
});
