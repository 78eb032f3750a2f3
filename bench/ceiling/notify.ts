import { randomUUID } from 'node:crypto';
import { systemClock } from '../../lib/clock.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createInbox, createNotifyBench, newEvent } from '../../test/integration/notify/bench.ts';
import type { OrderBench } from '../../test/support/orders.ts';
import { type Bare, createTape, renamed } from './bare.ts';
import { raced, type Stage } from './stage.ts';

/** AWS's default of a batch. */
const BATCH = 100;
/** The orders that `notify` processes at once. */
const AT_ONCE = 8;

/**
 * `notify` on batches of events, with a provider that takes each message at once. Bare: the same requests to
 * DynamoDB. Each event has an order of its own and an email address.
 */
export async function notifyStage(orders: OrderBench, bare: Bare): Promise<Stage> {
  const { dynamoEndpoint, producer } = orders;
  const bench = await createNotifyBench(undefined, orders);
  const notify = bench.notify({ sender: createInbox() });
  const sample = emailEvent();
  const { dynamo, stepsOf } = createTape(dynamoEndpoint, producer);
  const customers = createCustomers({ dynamo, table: bench.table, clock: systemClock });
  const steps = await stepsOf(() => bench.notify({ dynamo, customers })(sample));
  dynamo.destroy();
  return {
    name: 'notify',
    ...{ perOrder: 4, isPassedByAll: true },
    own: async (count) => {
      const events = Array.from({ length: count }, emailEvent);
      return async () => {
        const start = performance.now();
        for (let first = 0; first < count; first += BATCH) {
          const { batchItemFailures } = await notify(...events.slice(first, first + BATCH));
          if (batchItemFailures.length > 0) throw new Error('notify reported failures');
        }
        return { count, seconds: (performance.now() - start) / 1000 };
      };
    },
    bare: async (count) => {
      const others = Array.from({ length: count }, () =>
        renamed(steps, { [sample.id]: randomUUID(), [sample.data.orderId]: randomUUID() }),
      );
      return () => raced(others, AT_ONCE, (one, record) => record(() => bare.take(one)));
    },
  };
}

function emailEvent() {
  return newEvent({}, { contact: { email: 'ada@example.com' } });
}
