import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { idempotencyKeyOf } from '../../lib/http/idempotency.ts';
import { callerKey } from '../../lib/identity/caller.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { createOrderQuota, type Quota } from '../../lib/identity/quota.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { composeOutbox } from '../../lib/order/compose.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { placeOrder } from '../../lib/order/place.ts';
import { prepareToRunOn, type RunOn } from '../../lib/run-on.ts';
import { openStore } from '../../lib/store.ts';

type Deps = OutboxDeps & {
  callers: Callers;
  quota?: Quota | undefined;
  runOn?: RunOn | undefined;
};

/**
 * createOrder takes a new order.
 *
 * Trigger: `POST /api/orders`
 * Input: {@link newOrderSchema}; an `idempotency-key`, which belongs to its caller
 * Answers: 201 with the order and its `location`; 403 for another customer; 429; 400, 409, 413, 415, 422; 503 when DynamoDB is away
 * Writes: the count of the caller's orders, where it is limited; the order, its first event and the record of its `idempotency-key`, all or nothing
 * Publishes: `ORDER_CREATED`, and marks it as published after the answer; when Kafka is away, relayOutbox does it later
 * Safe to repeat because: with a key, for 24 h, the first order is answered again; without a key each call makes an order
 */
export const createHandler = ({ callers, quota, runOn, ...deps }: Deps) =>
  httpHandler(
    { operation: ORDER_OPERATIONS['POST /api/orders'], callers, runOn },
    async ({ headers, body }, { traceparent, caller, timeLeftMs, afterAnswer }) => {
      const key = idempotencyKeyOf(headers['idempotency-key']);
      const idempotencyKey = key === undefined ? undefined : { key, caller: callerKey(caller) };
      const count = async () => quota?.(caller);
      const placing = { traceparent, idempotencyKey, timeLeftMs, afterAnswer, count };
      const { order, replayed } = await placeOrder(deps, body, placing);
      return {
        ...ok(order, { message: 'Order created successfully' }),
        statusCode: 201,
        headers: {
          location: `/api/orders/${order.id}`,
          ...(replayed && { 'idempotent-replay': 'true' }),
        },
      };
    },
  );

const config = loadApiConfig();

const store = openStore(config);

export const handler = createHandler({
  ...composeOutbox(config, store),
  callers: createCallers(config),
  quota: createOrderQuota(store, config),
  runOn: await prepareToRunOn(config),
});
