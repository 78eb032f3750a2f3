// A process that is notify for one batch and may not live to answer. It is told what by its argument,
// and tells its answer by IPC.
import { createHandler } from '../../functions/notify/handler.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { createCustomers } from '../../lib/notification/customer.ts';
import { createFailures } from '../../lib/notification/failures.ts';
import { createRecipientOf } from '../../lib/notification/recipient.ts';
import { createSeen } from '../../lib/notification/seen.ts';
import { createSesSender } from '../../lib/notification/senders/ses.ts';
import { createSnsSender } from '../../lib/notification/senders/sns.ts';
import { lambdaContext } from '../support/http.ts';
import { type Fault, plant } from './faults.ts';

export type NotifyFault = Fault<'dynamodb' | 'provider'>;

export type NotifyErrand = {
  batch: unknown;
  fault?: NotifyFault;
  /** Seconds that have passed since the process before was killed, without anybody waiting for them. */
  laterBy: number;
  timeMs: number;
  dynamoEndpoint: string;
  provider: string;
  table: string;
};

async function run(errand: NotifyErrand): Promise<unknown> {
  const { batch, fault, laterBy, timeMs, dynamoEndpoint, provider, table } = errand;
  if (fault) plant(fault, { dynamodb: portOf(dynamoEndpoint), provider: portOf(provider) });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const clock = { now: () => new Date(Date.now() + laterBy * 1000) };
  const to = { region: 'us-east-1', endpoint: provider };
  const handler = createHandler({
    seen: createSeen({ dynamo, table, clock }),
    senders: {
      email: [createSesSender({ ...to, from: 'orders@example.com' })],
      sms: [createSnsSender(to)],
    },
    recipientOf: createRecipientOf({
      customers: createCustomers({ dynamo, table, clock }),
      fallback: undefined,
    }),
    clock,
    deadLetters: { add: () => Promise.reject(new Error('nothing here is a dead letter')) },
    failures: createFailures({ dynamo, table, clock }),
    reportsItemFailures: true,
  });
  return handler(batch, lambdaContext(timeMs));
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

run(JSON.parse(process.argv[2] ?? '')).then(
  (answer) => process.send?.({ answer }, () => process.exit()),
  (error: unknown) => process.send?.({ error: String(error) }, () => process.exit()),
);
