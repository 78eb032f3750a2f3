import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { etagOf, wantedVersions } from '../../lib/http/version.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { ORDER_OPERATIONS } from '../../lib/order/api.ts';
import { composeOutbox } from '../../lib/order/compose.ts';
import { moveOrder } from '../../lib/order/move.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { prepareToRunOn, type RunOn } from '../../lib/run-on.ts';

type Deps = OutboxDeps & { callers: Callers; runOn?: RunOn | undefined };

/**
 * updateStatus moves an order to another status.
 *
 * Trigger: `PUT /api/orders/{id}/status`
 * Input: `status`, and the version to be changed by `expectedVersion` or `if-match`
 * Answers: 200 with the order; 404; 403 for a customer's move that does not cancel; 409 with the allowed moves; 412; 400, 413, 415, 422; 503
 * Writes: the next version and its event, in one write on the condition of the version before
 * Publishes: the event of the new status, such as `ORDER_SHIPPED`, and marks it as published after the answer
 * Safe to repeat because: an order that has the status already stays as it is
 */
export const createHandler = ({ callers, runOn, ...deps }: Deps) =>
  httpHandler(
    { operation: ORDER_OPERATIONS['PUT /api/orders/{id}/status'], callers, runOn },
    async (input, facts) => {
      const { status, expectedVersion } = input.body;
      const versions = () => wantedVersions(input.headers['if-match'], expectedVersion);
      const move = { status, versions };
      const order = await moveOrder(deps, input.path.id, move, facts);
      return {
        ...ok(order, { message: 'Order status updated successfully' }),
        headers: { etag: etagOf(order.version) },
      };
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  ...composeOutbox(config),
  callers: createCallers(config),
  runOn: await prepareToRunOn(config),
});
