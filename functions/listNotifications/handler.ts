import { loadConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import { listNotifications } from '../../lib/notification/ledger/list.ts';
import { openStore, type Store } from '../../lib/store.ts';

/**
 * listNotifications shows what customers were told, and what not and why.
 *
 * Trigger: `GET /api/notifications`
 * Input: `orderId` or `customerId`; `limit` 1 to 100 (20); `cursor`
 * Answers: 200 with the notifications, newest event first, `[]` where there is none; 422; 503
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only; a customer's list may lag behind a write for a moment
 */
export const createHandler = (store: Store) =>
  httpHandler(
    NOTIFICATION_OPERATIONS['GET /api/notifications'],
    async ({ query: { orderId, customerId = '', ...page } }) => {
      const selection = orderId === undefined ? { customerId } : { orderId };
      const { notifications, nextCursor } = await listNotifications(store, selection, page);
      return ok(notifications, { nextCursor });
    },
  );

export const handler = createHandler(openStore(loadConfig()));
