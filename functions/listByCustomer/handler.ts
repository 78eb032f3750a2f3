import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { callerKey } from '../../lib/identity/caller.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { listOrders } from '../../lib/order/list.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

type Deps = { repository: Repository; callers: Callers };

/**
 * listByCustomer shows a customer's orders, newest first.
 *
 * Trigger: `GET /api/orders/customer/{customerId}`
 * Input: the customer's id; `limit` 1 to 100 (20); `status`; `cursor`, the `nextCursor` of the page before
 * Answers: 200 with the orders, `[]` for a customer without any; 403 for another customer's; 422; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, and may lag behind a write for a moment
 */
export const createHandler = ({ repository, callers }: Deps) =>
  httpHandler(
    { operation: ORDER_OPERATIONS['GET /api/orders/customer/{customerId}'], callers },
    async ({ path: { customerId }, query }, { caller }) => {
      const listing = { ...query, caller: callerKey(caller) };
      const { orders, nextCursor } = await listOrders(repository, customerId, listing);
      return ok(orders, { nextCursor });
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  repository: createRepository(openStore(config)),
  callers: createCallers(config),
});
