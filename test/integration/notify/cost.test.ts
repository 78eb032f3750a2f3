import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { createCustomers } from '../../../lib/notification/preferences/customers.ts';
import { countRequests } from '../../support/faults.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after } from './quiet-hours.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** The requests to DynamoDB of a delivery or a run, by name. docs/architecture.md lists them. */
async function costOf(work: (parts: Parameters<NotifyBench['notify']>[0]) => Promise<unknown>) {
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const requests = countRequests(dynamo);
  const customers = createCustomers({ dynamo, table: bench.table, clock: systemClock });
  await work({ dynamo, customers });
  dynamo.destroy();
  return requests;
}

const away: Sender<Message> = {
  name: 'away',
  send: async () => ({ success: false, retriable: true, reason: 'away' }),
};

test('an event sent on both channels costs a read and five writes', async () => {
  const cost = await costOf((parts) => bench.notify(parts)(newEvent()));
  expect(cost).toEqual({ GetItem: 1, UpdateItem: 5 });
});

test('an event delivered again costs a query more, and a write for each channel', async () => {
  const event = newEvent();
  await bench.notify()(event);
  const cost = await costOf((parts) => bench.notify(parts)(event));
  expect(cost).toEqual({ GetItem: 1, UpdateItem: 3, Query: 1 });
});

test('a notification that no provider takes costs six writes in notify, and two reads and three writes for each later try', async () => {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const put = await costOf((parts) => bench.notify({ ...parts, sender: away })(event));
  expect(put).toEqual({ GetItem: 1, UpdateItem: 1 + 6 });
  const again = (sender: Sender<Message>, minutes: number) =>
    costOf((parts) => bench.sendDeferred({ ...parts, sender, clock: after(minutes) }));
  expect(await again(away, 2)).toEqual({ Query: 16, GetItem: 2, UpdateItem: 3 });
  expect(await again(createInbox(), 10)).toEqual({ Query: 16, GetItem: 2, UpdateItem: 3 });
});
