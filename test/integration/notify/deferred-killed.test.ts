import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import { DEFAULTS, type Preferences } from '../../../lib/notification/preferences/preferences.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after, quiet } from './quiet-hours.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** A way to DynamoDB on which the process dies at one of its writes: before it, or when it is done. */
function dyingAt(write: number, when: 'before' | 'after') {
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: unknown) => Promise<unknown>;
  let writes = 0;
  const dying = async (command: object) => {
    if (command.constructor.name === 'UpdateCommand') writes += 1;
    if (writes < write) return send(command);
    if (writes === write && when === 'after') await send(command);
    // More than its number: nothing is written any more.
    writes += 1;
    throw new Error('killed');
  };
  return Object.assign(dynamo, { send: dying });
}

/** An SMS that waits, of a customer who changes the preferences meanwhile. */
async function waiting(change: Partial<Preferences>): Promise<OrderEvent> {
  const customerId = randomUUID();
  await bench.customers.save(customerId, quiet, undefined);
  const event = newEvent({}, { customerId });
  await bench.notify()(event);
  await bench.customers.save(customerId, { ...quiet, ...change }, undefined);
  return event;
}

const off = {
  ...DEFAULTS.events,
  ORDER_CREATED: { ...DEFAULTS.events.ORDER_CREATED, email: true, sms: false },
};

const cases = [1, 2, 3, 4, 5].flatMap((write) =>
  (['before', 'after'] as const).map((when) => [when, write] as const),
);

test.each(cases)(
  'a run killed %s its write %i sends an SMS at most once, and leaves none open',
  async (when, write) => {
    const changes = [{}, { contact: { phone: '+15550177' } }, { events: off }];
    const inbox = createInbox();
    for (const [i, change] of changes.entries()) {
      const event = await waiting(change);
      const dynamo = dyingAt(write, when);
      await bench
        .sendDeferred({ sender: inbox, clock: after(61 + 70 * i), dynamo })
        .catch(() => undefined);
      dynamo.destroy();
      await bench.sendDeferred({ sender: inbox, clock: after(66 + 70 * i) });
      await bench.sendDeferred({ sender: inbox, clock: after(128 + 70 * i) });
      const { body } = await bench.list({ orderId: event.data.orderId });
      const states = body.data
        .filter(({ channel }: { channel: string }) => channel === 'sms')
        .map(({ status }: { status: string }) => status);
      const told = inbox.sent.filter(({ orderId }) => orderId === event.data.orderId).length;
      const isSent = states.includes('sent');
      expect(states).not.toContain('deferred');
      expect(states).not.toContain('failed');
      expect(told).toBeLessThanOrEqual(i === 2 ? 0 : 1);
      expect(told === 1 || states.includes('unknown') || i === 2).toBe(true);
      if (isSent) expect(told).toBe(1);
    }
  },
);
