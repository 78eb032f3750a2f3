import { loadApiConfig } from '../../lib/config.ts';
import { ok } from '../../lib/http/answer.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import { etagOf, wantedVersions } from '../../lib/http/version.ts';
import { type Callers, createCallers } from '../../lib/identity/callers.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import { type Customers, createCustomers } from '../../lib/notification/preferences/customers.ts';
import { openStore } from '../../lib/store.ts';

type Deps = { customers: Pick<Customers, 'save'>; callers: Callers };

/**
 * putPreferences replaces a customer's preferences for notifications.
 *
 * Trigger: `PUT /api/customers/{customerId}/preferences`
 * Input: {@link preferencesSchema}, missing fields have their defaults; the version in `if-match`
 * Answers: 200 with the preferences and their `etag`; 403 for another customer's; 412 with the current version; 400, 413, 415, 422; 503
 * Writes: the preferences with the next version, in one conditional write; fields that it does not know stay
 * Publishes: nothing
 * Safe to repeat because: it replaces all of them, and with `if-match` only the named version
 */
export const createHandler = ({ customers, callers }: Deps) =>
  httpHandler(
    { operation: NOTIFICATION_OPERATIONS['PUT /api/customers/{customerId}/preferences'], callers },
    async ({ path: { customerId }, headers, body }) => {
      const versions = wantedVersions(headers['if-match'], undefined);
      const preferences = await customers.save(customerId, body, versions);
      return {
        ...ok(preferences, { message: 'Preferences saved' }),
        headers: { etag: etagOf(preferences.version) },
      };
    },
  );

const config = loadApiConfig();

export const handler = createHandler({
  customers: createCustomers(openStore(config)),
  callers: createCallers(config),
});
