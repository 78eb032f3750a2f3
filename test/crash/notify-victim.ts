// A process that runs notify for one batch, or sendDeferred once, and may be killed before its
// answer. Its argument names the work; it sends its answer by IPC.
import { createHandler as createNotify } from '../../functions/notify/handler.ts';
import { createHandler as createSendDeferred } from '../../functions/sendDeferred/handler.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { createSesSender } from '../../lib/notification/channels/senders/ses.ts';
import { createSnsSender } from '../../lib/notification/channels/senders/sns.ts';
import { createDeferred, type Deferred } from '../../lib/notification/ledger/deferred.ts';
import { createFailures } from '../../lib/notification/ledger/failures.ts';
import { createLedger } from '../../lib/notification/ledger/ledger.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';
import { orderPartition } from '../../lib/table.ts';
import { lambdaContext } from '../support/http.ts';
import { type Fault, plant } from './faults.ts';

export type NotifyFault = Fault<'dynamodb' | 'provider'>;

export type NotifyErrand = {
  /** A batch for notify, or the orders that sendDeferred may handle beside other processes. */
  task: { batch: unknown } | { orders: string[] };
  fault?: NotifyFault;
  /** Seconds that have passed since the process before was killed, without anybody waiting for them. */
  laterBy: number;
  timeMs: number;
  /** Whether a skip without an address is noted on another channel's record. */
  joinsSkips: boolean;
  dynamoEndpoint: string;
  provider: string;
  table: string;
};

async function run(errand: NotifyErrand): Promise<unknown> {
  const { task, fault, laterBy, timeMs, joinsSkips, dynamoEndpoint, provider, table } = errand;
  if (fault) plant(fault, { dynamodb: portOf(dynamoEndpoint), provider: portOf(provider) });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const clock = { now: () => new Date(Date.now() + laterBy * 1000) };
  const to = { region: 'us-east-1', endpoint: provider };
  const store = { dynamo, table, clock };
  const deps = {
    ledger: createLedger(store),
    senders: {
      email: [createSesSender({ ...to, from: 'orders@example.com' })],
      sms: [createSnsSender(to)],
    },
    recipientOf: createRecipientOf({ customers: createCustomers(store), fallback: undefined }),
    clock,
    unsubscribe: undefined,
  };
  if ('orders' in task) {
    const run = createSendDeferred({ ...deps, deferred: deferredOf(task.orders, store) });
    return run({}, lambdaContext(timeMs));
  }
  const handler = createNotify({
    ...deps,
    joinsSkips,
    deadLetters: { add: () => Promise.reject(new Error('nothing here is a dead letter')) },
    failures: createFailures(store),
    reportsItemFailures: true,
  });
  return handler(task.batch, lambdaContext(timeMs));
}

/** The waiting records of the given orders only. */
function deferredOf(orders: string[], store: Parameters<typeof createDeferred>[0]): Deferred {
  const deferred = createDeferred(store);
  const keys = new Set(orders.map(orderPartition));
  return {
    ...deferred,
    async *due(now) {
      for await (const key of deferred.due(now)) if (keys.has(key.pk)) yield key;
    },
  };
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

run(JSON.parse(process.argv[2] ?? '')).then(
  (answer) => process.send?.({ answer }, () => process.exit()),
  (error: unknown) => process.send?.({ error: String(error) }, () => process.exit()),
);
