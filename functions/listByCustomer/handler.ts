import { loadConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { listOrders } from '../../lib/order/list.ts';
import { createRepository, type Repository } from '../../lib/order/repository.ts';
import { openStore } from '../../lib/store.ts';

/**
 * listByCustomer shows a customer's orders, newest first.
 *
 * Trigger: `GET /api/orders/customer/{customerId}`
 * Input: the customer's id; `limit` 1 to 100 (20); `status`; `cursor`, the `nextCursor` of the page before
 * Answers: 200 with the orders, `[]` for a customer without any; 422; 503 when DynamoDB is away
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, and may lag behind a write for a moment
 */
export const createHandler = (repository: Repository) =>
  httpHandler(
    ORDER_OPERATIONS['GET /api/orders/customer/{customerId}'],
    async ({ path: { customerId }, query }) => {
      const { orders, nextCursor } = await listOrders(repository, customerId, query);
      return ok(orders, { nextCursor });
    },
  );

export const handler = createHandler(createRepository(openStore(loadConfig())));
