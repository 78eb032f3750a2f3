import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { callerKey } from '../../lib/identity/caller.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import { listNotifications } from '../../lib/notification/ledger/list.ts';
import { openStore, type Store } from '../../lib/store.ts';

/**
 * listNotifications shows the notifications to customers, sent or not, with the reasons.
 *
 * Trigger: `GET /api/notifications`
 * Input: `orderId` or `customerId`; `limit` 1 to 100 (20); `cursor`
 * Answers: 200 with the notifications, newest event first, `[]` if there is none, or the order is another customer's; 403 for another customer's; 422; 503
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only; a customer's list may lag behind a write for a moment
 */
export const createHandler = ({ callers, ...store }: Store & { callers: Callers }) =>
  httpHandler(
    { operation: NOTIFICATION_OPERATIONS['GET /api/notifications'], callers },
    async ({ query: { orderId, customerId = '', ...page } }, { caller }) => {
      const selection = orderId === undefined ? { customerId } : { orderId };
      const customer = caller.kind === 'customer' ? caller.customerId : undefined;
      const listing = { ...page, caller: callerKey(caller), customer };
      const { notifications, nextCursor } = await listNotifications(store, selection, listing);
      return ok(notifications, { nextCursor });
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  ...openStore(config),
  callers: createCallers(config),
});
