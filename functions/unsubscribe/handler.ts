import { loadConfig } from '../../lib/config.ts';
import { httpHandler } from '../../lib/http/handler.ts';
import type { RequestFacts } from '../../lib/http/request.ts';
import { NOTIFICATION_OPERATIONS } from '../../lib/notification/api.ts';
import { type Customers, createCustomers } from '../../lib/notification/preferences/customers.ts';
import { DEFAULTS, isQuiet } from '../../lib/notification/preferences/preferences.ts';
import {
  subscriptionOf,
  type UnsubscribeConfig,
  unsubscribe,
} from '../../lib/notification/preferences/unsubscribe.ts';
import {
  UNSUBSCRIBE_POLICY,
  unsubscribePage,
} from '../../lib/notification/preferences/unsubscribe-page.ts';
import { openStore } from '../../lib/store.ts';

const HTML = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': UNSUBSCRIBE_POLICY,
};

/**
 * unsubscribe ends the emails about orders, by one click in a mail program or on its page.
 *
 * Trigger: `GET /api/unsubscribe/{token}`, `POST /api/unsubscribe/{token}`
 * Input: the signed token of an email's link; the body of a POST is not read
 * Answers: 200 with a page in the customer's language; 404 for a link that we have not signed; 503
 * Writes: only by POST: the preferences, with the channel off except for critical events
 * Publishes: nothing
 * Safe to repeat because: a channel that is off already is not written again
 */
export const createHandler = (customers: Customers, config: UnsubscribeConfig | undefined) =>
  httpHandler({ operation: operationBy }, async ({ path: { token } }, { method }) => {
    const subscription = subscriptionOf(token, config);
    const { customerId, channel } = subscription;
    const preferences =
      method === 'POST'
        ? await unsubscribe(subscription, customers)
        : ((await customers.find(customerId)) ?? DEFAULTS);
    const body = unsubscribePage(channel, preferences.language, isQuiet(preferences, channel));
    return { statusCode: 200, headers: HTML, body };
  });

function operationBy({ method }: RequestFacts) {
  const known = method === 'POST' ? method : 'GET';
  return NOTIFICATION_OPERATIONS[`${known} /api/unsubscribe/{token}`];
}

const config = loadConfig();

export const handler = createHandler(createCustomers(openStore(config)), config.unsubscribe);
