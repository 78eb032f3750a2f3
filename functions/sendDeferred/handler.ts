import type { Context } from 'aws-lambda';
import { systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { createSenders } from '../../lib/notification/channels/channels.ts';
import { createDeferred } from '../../lib/notification/ledger/deferred.ts';
import { createSeen } from '../../lib/notification/ledger/ledger.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';
import { type SendDeferredDeps, sendDeferred } from '../../lib/notification/send-deferred.ts';
import { taskHandler } from '../../lib/task.ts';

/**
 * sendDeferred sends the SMS that quiet hours have put off, and what no provider took before.
 *
 * Trigger: every minute
 * Input: nothing
 * Answers: how many notifications it handled, left for a later run, or gave up
 * Writes: the record of each of them
 * Publishes: nothing
 * Safe to repeat because: a conditional write takes each notification before its provider is called
 */
export const createHandler = (deps: SendDeferredDeps) =>
  taskHandler((context: Context) => sendDeferred(deps, () => context.getRemainingTimeInMillis()));

const config = loadConfig();
const store = { dynamo: createDynamo(config), table: config.table, clock: systemClock };

export const handler = createHandler({
  deferred: createDeferred(store),
  seen: createSeen(store),
  senders: createSenders(config),
  recipientOf: createRecipientOf({
    customers: createCustomers(store),
    fallback: config.fallback,
  }),
  clock: systemClock,
  unsubscribe: config.unsubscribe,
});
