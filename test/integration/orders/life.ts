import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { orderEventSchema } from '../../../lib/order-event.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench } from '../../support/orders.ts';
import { countUnits, sumOf, type Units } from '../../support/units.ts';
import { createNotifyBench } from '../notify/bench.ts';

/** An order of two lines, whose customer has an email and no phone. */
const body = {
  customerId: 'customer-4711',
  items: [
    { productId: 'keyboard', quantity: 3, price: 9.99 },
    { productId: 'mouse', quantity: 1, price: 0.1 },
  ],
  contact: { email: 'ada@example.com' },
};
const LATER = ['confirmed', 'shipped', 'delivered'];

/** The write units of each step of a life. */
export type Life = Record<string, Units>;

/** A table and topics of a test's own, on which orders live from their creation to their delivery. */
export async function createLifeBench() {
  const mark = randomUUID().slice(0, 8);
  const orders = await createOrderBench(undefined, mark);
  const notifications = await createNotifyBench(mark);

  async function unitsOf(work: (dynamo: DynamoDBDocumentClient) => Promise<unknown>) {
    const client = createDynamo({ region: 'us-east-1', dynamoEndpoint: orders.dynamoEndpoint });
    const units = countUnits(client);
    await work(client);
    client.destroy();
    return units;
  }

  const via = (
    dynamo: DynamoDBDocumentClient,
  ): OutboxDeps & { callers: typeof orders.callers } => ({
    ...orders,
    repository: createRepository({ ...orders, dynamo }),
    callers: callersOf(),
  });

  async function tell(id: string): Promise<Units> {
    const stored = await orders.repository.get(id);
    const event = orderEventSchema.parse(JSON.parse(String(stored?.events.at(-1)?.value)));
    const units = await unitsOf((dynamo) => notifications.notify({ dynamo })(event));
    const { email } = await notifications.recorded(event);
    if (email?.status !== 'sent') throw new Error(`the email is ${email?.status}`);
    return units;
  }

  return {
    /** Places an order, moves it on, and sends an email at each status. */
    async life(headers: Record<string, string> = {}): Promise<Life> {
      let id = '';
      const created = await unitsOf(async (dynamo) => {
        const request = { method: 'POST', body, headers };
        id = (await call(createCreateOrder(via(dynamo)), request)).body.data.id;
      });
      const steps: Life = { created, 'created, email': await tell(id) };
      for (const status of LATER) {
        steps[status] = await unitsOf(async (dynamo) => {
          const request = { method: 'PUT', pathParameters: { id }, body: { status } };
          const reply = await call(createUpdateStatus(via(dynamo)), request);
          if (reply.status !== 200) throw new Error(`${status}: ${reply.status}`);
        });
        steps[`${status}, email`] = await tell(id);
      }
      return steps;
    },

    async close() {
      await notifications.close();
      await orders.close();
    },
  };
}

/** The units of all steps together. */
export function unitsOfLife(steps: Life): number {
  return Object.values(steps).reduce((sum, units) => sum + sumOf(units), 0);
}

/** A line for each step, with its units, and those of the table and of every index. */
export function shown(steps: Life): string {
  const lines = Object.entries(steps).map(([step, units]) => {
    const parts = Object.entries(units).map(([name, taken]) => `${name} ${taken}`);
    return `${step.padEnd(18)} ${String(sumOf(units)).padStart(3)}  ${parts.join(', ')}`;
  });
  return [...lines, `${'together'.padEnd(18)} ${String(unitsOfLife(steps)).padStart(3)}`].join(
    '\n',
  );
}
