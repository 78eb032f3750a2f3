import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { systemClock } from '../../lib/clock.ts';
import type { ChannelName } from '../../lib/notification/channels/channels.ts';
import { createLedger, type Ledger } from '../../lib/notification/ledger/ledger.ts';
import type { Notification } from '../../lib/notification/ledger/record.ts';
import type { OrderEvent } from '../../lib/order-event.ts';
import type { OrderBench } from '../../test/support/orders.ts';
import { timed } from '../figures.ts';
import { eventOf } from './events.ts';

const BARE_AT_ONCE = 32;

export type Bare = { all: number; leases: number };

/** The writes of `notify` for one notification that is sent: its lease and its outcome. */
export async function tell(ledger: Ledger, event: OrderEvent, channel: ChannelName): Promise<void> {
  const message = { channel, orderId: event.data.orderId, to: 'a@example.com', subject: '' };
  const one = { event, channel, message } as unknown as Notification;
  const lease = await ledger.lease(one, new Date(Date.now() + 60_000));
  const outcome = { status: 'sent', messageId: 'm', provider: 'mock' } as const;
  await ledger.settle(one, String(lease?.id), outcome);
}

/** The bare writes of `notify` for an event with an email address alone. The lease notes the skipped SMS. */
export async function bareRates(bench: OrderBench, count: number, mark: string): Promise<Bare> {
  // A client without short time limits: the bench measures how long a write takes.
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint: bench.dynamoEndpoint });
  const dynamo = DynamoDBDocumentClient.from(client);
  const ledger = createLedger({ dynamo, table: bench.table, clock: systemClock });
  const leased = (event: OrderEvent) => tell(ledger, event, 'email');
  const all = async (event: OrderEvent) => {
    await ledger.advance(event);
    await leased(event);
  };
  const rateOf = async (kind: string, work: (event: OrderEvent) => Promise<void>) => {
    let begun = 0;
    const worker = async () => {
      while (begun < count) {
        begun += 1;
        await work(eventOf(`bare-${mark}-${kind}-${begun}`, 1));
      }
    };
    const workers = () => Promise.all(Array.from({ length: BARE_AT_ONCE }, worker));
    return count / ((await timed(workers)) / 1000);
  };
  const rates = { all: await rateOf('all', all), leases: await rateOf('leases', leased) };
  client.destroy();
  return rates;
}
