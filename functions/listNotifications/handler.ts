import { systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { callerKey } from '../../lib/identity/caller.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import { listNotifications } from '../../lib/notification/ledger/list.ts';

type Deps = Parameters<typeof listNotifications>[0] & { callers: Callers };

/**
 * listNotifications shows what customers were told, and what not and why.
 *
 * Trigger: `GET /api/notifications`
 * Input: `orderId` or `customerId`; `limit` 1 to 100 (20); `cursor`
 * Answers: 200 with the notifications, newest event first, `[]` where there is none, or the order is another customer's; 403 for another customer's; 422; 503
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only; a customer's list may lag behind a write for a moment
 */
export const createHandler = ({ callers, ...deps }: Deps) =>
  httpHandler(
    { operation: NOTIFICATION_OPERATIONS['GET /api/notifications'], callers },
    async ({ query: { orderId, customerId = '', ...page } }, { caller }) => {
      const whose = orderId === undefined ? { customerId } : { orderId };
      const customer = caller.kind === 'customer' ? caller.customerId : undefined;
      const listing = { ...page, caller: callerKey(caller), customer };
      const { notifications, nextCursor } = await listNotifications(deps, whose, listing);
      return ok(notifications, { nextCursor });
    },
  );

const config = loadConfig();

export const handler = createHandler({
  dynamo: createDynamo(config),
  table: config.table,
  clock: systemClock,
  callers: createCallers(config, systemClock),
});
