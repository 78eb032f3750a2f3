import type { Context } from 'aws-lambda';
import { loadConfig } from '../../lib/config.ts';
import { createMessageLimit } from '../../lib/limits/messages.ts';
import { createSenders } from '../../lib/notification/channels/channels.ts';
import { createDeferred } from '../../lib/notification/ledger/deferred.ts';
import { createLedger } from '../../lib/notification/ledger/ledger.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';
import { type SendDeferredDeps, sendDeferred } from '../../lib/notification/send-deferred.ts';
import { openStore } from '../../lib/store.ts';
import { taskHandler } from '../../lib/task.ts';

/**
 * sendDeferred sends SMS after quiet hours, and notifications that no provider took before.
 *
 * Trigger: every minute
 * Input: nothing
 * Answers: the numbers of notifications that it handled, left for a later run, or gave up
 * Writes: the record of each of them
 * Publishes: nothing
 * Safe to repeat because: a conditional write takes each notification before its provider is called
 */
export const createHandler = (deps: SendDeferredDeps) =>
  taskHandler((context: Context) => sendDeferred(deps, () => context.getRemainingTimeInMillis()));

const config = loadConfig();
const store = openStore(config);

export const handler = createHandler({
  deferred: createDeferred(store),
  ledger: createLedger(store),
  senders: createSenders(config),
  messageLimit: createMessageLimit(store, config),
  recipientOf: createRecipientOf({
    customers: createCustomers(store),
    fallback: config.fallback,
  }),
  clock: store.clock,
  unsubscribe: config.unsubscribe,
});
