import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { etagOf } from '../../lib/http/version.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import {
  type Customers,
  createCustomers,
  defaultsOf,
} from '../../lib/notification/preferences/customers.ts';
import { openStore } from '../../lib/store.ts';

type Deps = { customers: Pick<Customers, 'find'>; callers: Callers };

/**
 * getPreferences shows a customer's preferences for notifications.
 *
 * Trigger: `GET /api/customers/{customerId}/preferences`
 * Input: the customer's id
 * Answers: 200 with the preferences and their `etag`, version 0 for the defaults; 403 for another customer's; 422; 503
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: it reads only, its own writes included
 */
export const createHandler = ({ customers, callers }: Deps) =>
  httpHandler(
    { operation: NOTIFICATION_OPERATIONS['GET /api/customers/{customerId}/preferences'], callers },
    async ({ path: { customerId } }) => {
      const preferences = (await customers.find(customerId)) ?? defaultsOf(customerId);
      return { ...ok(preferences), headers: { etag: etagOf(preferences.version) } };
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  customers: createCustomers(openStore(config)),
  callers: createCallers(config),
});
