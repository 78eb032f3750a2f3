import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { v7 as uuidV7 } from 'uuid';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import { UnreachableError } from '../../../lib/kafka/client.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import { eventOf } from '../../../lib/order/events.ts';
import { firstVersion } from '../../../lib/order/order.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { orderKey } from '../../../lib/table.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

const START = Date.now();

let bench: OrderBench;

/** A table with long limits: on a busy machine hundreds of orders at once take their time. */
beforeEach(async () => {
  bench = await createOrderBench();
  const endpoint = bench.dynamoEndpoint;
  const patient = new DynamoDBClient({ region: 'us-east-1', endpoint });
  const dynamo = DynamoDBDocumentClient.from(patient, {
    marshallOptions: { removeUndefinedValues: true },
  });
  bench = { ...bench, dynamo, repository: createRepository({ ...bench, dynamo }) };
  await bench.producer.send(bench.topic, [{ key: 'k', value: '{}' }], 5_000);
});

afterEach(() => bench.close());

/** Orders with a pending event, `secondsAgo` old, of one partition or of the others. */
async function pending(count: number, secondsAgo: number, isOn: (partition: number) => boolean) {
  const ids: string[] = [];
  while (ids.length < count) {
    const id = uuidV7();
    if (!isOn(Number(bench.producer.partitionOf(bench.topic, id)))) continue;
    const items = [{ productId: 'p', quantity: 1, price: 5 }];
    const at = new Date(START - secondsAgo * 1000);
    const order = firstVersion(id, { customerId: 'c', items, currency: 'USD' }, at);
    await bench.repository.insert({
      order,
      events: [eventOf(order, { id: uuidV7(), traceparent: '' })],
    });
    ids.push(id);
  }
  return ids;
}

async function published(ids: string[]): Promise<number> {
  let count = 0;
  for (const id of ids) {
    const [event] = (await bench.repository.get(id))?.events ?? [];
    if (event?.publishedAt !== undefined) count += 1;
  }
  return count;
}

function relay(producer: Producer = bench.producer) {
  return createRelayOutbox({ ...bench, producer })({}, lambdaContext(50_000));
}

/** A producer whose sends to the partition all fail, and are counted. */
function stalled(partition: number) {
  const seen = { inVain: 0 };
  const producer: Producer = {
    ...bench.producer,
    async send(topic, records, timeoutMs) {
      if (bench.producer.partitionOf(topic, String(records[0]?.key)) !== partition) {
        return bench.producer.send(topic, records, timeoutMs);
      }
      seen.inVain += 1;
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      throw new AppError('KAFKA_AWAY', `no answer within ${timeoutMs} ms`);
    },
  };
  return { producer, seen };
}

test('younger events of working partitions pass six hundred older ones of a partition that hangs', async () => {
  const older = await pending(600, 600, (partition) => partition === 0);
  const younger = await pending(40, 60, (partition) => partition !== 0);
  const { producer, seen } = stalled(0);
  await expect(relay(producer)).rejects.toMatchObject({ code: 'KAFKA_AWAY' });
  expect([await published(younger), await published(older), seen.inVain]).toEqual([40, 0, 2]);

  // Once the partition is back, the next run sends everything.
  const report = await relay();
  expect([report.published, report.done]).toEqual([600, true]);
  expect(await published(older)).toBe(600);
}, 120_000);

test('with all of Kafka away a run ends soon and changes nothing, and the next one does it all', async () => {
  const ids = await pending(100, 60, () => true);
  const before = await Promise.all(ids.map((id) => bench.repository.get(id)));
  let sends = 0;
  const away: Producer = {
    ...bench.producer,
    async send() {
      sends += 1;
      throw new UnreachableError('nobody there');
    },
  };
  await expect(relay(away)).rejects.toMatchObject({ code: 'KAFKA_AWAY' });
  expect(sends).toBeLessThanOrEqual(16);
  expect(await Promise.all(ids.map((id) => bench.repository.get(id)))).toEqual(before);
  expect((await relay()).published).toBe(100);
});

function change(id: string, UpdateExpression: string, names: object, values?: object) {
  const update = {
    TableName: bench.table,
    Key: orderKey(id),
    UpdateExpression,
    ExpressionAttributeNames: names as Record<string, string>,
    ...(values && { ExpressionAttributeValues: values as Record<string, unknown> }),
  };
  return bench.dynamo.send(new UpdateCommand(update));
}

test.each([
  ['items', undefined],
  ['events', undefined],
  ['version', undefined],
  ['events', ['text']],
  ['items', null],
])('an item that is no order (%s: %j) is left, and the others go on', async (field, value) => {
  const [broken = '', ...others] = await pending(6, 60, () => true);
  const names = { '#field': field };
  if (value === undefined) await change(broken, 'REMOVE #field', names);
  else await change(broken, 'SET #field = :value', names, { ':value': value });
  const report = await relay();
  expect([report.published, report.unreadable]).toEqual([5, 1]);
  expect(await published(others)).toBe(5);
  const read = await call(createGetOrder(bench), { pathParameters: { id: broken } });
  expect([read.status, read.body.code]).toEqual([500, 'INTERNAL']);
  const list = createListByCustomer(bench);
  const listed = await until('the list', async () => {
    const { status, body } = await call(list, { pathParameters: { customerId: 'c' } });
    return status === 200 && body.data.length >= 5 ? body.data : undefined;
  });
  const ids = listed.map(({ id }: { id: string }) => id).toSorted();
  expect(ids.filter((id: string) => id !== broken)).toEqual(others.toSorted());
});

test.each([
  ['contact', { email: 'ada@example.com', phone: null }],
  ['kafkaRefusal', { since: '2026-11-01T00:00:00.000Z' }],
])('an odd %s keeps no event from Kafka, and no reader from the order', async (field, value) => {
  const [id = ''] = await pending(1, 60, () => true);
  await change(id, 'SET #field = :value', { '#field': field }, { ':value': value });
  const { published: sent, unreadable } = await relay();
  expect([sent, unreadable]).toEqual([1, 0]);
  const read = await call(createGetOrder(bench), { pathParameters: { id } });
  expect(read.status).toBe(200);
});

test('a refused order without its reason does not make DynamoDB seem away', async () => {
  const [id = ''] = await pending(1, 60, () => true);
  const names = { '#shard': 'pendingShard' };
  await change(id, 'SET #shard = :refused', names, { ':refused': 'REFUSED' });
  expect(await bench.repository.backlog.summary()).toMatchObject({ refusedOrders: 1 });
});

test('an order whose events cannot be marked is named, and the others go on', async () => {
  const [odd = '', ...others] = await pending(40, 60, () => true);
  await change(
    odd,
    'SET events[0].#sequence = :later',
    { '#sequence': 'sequence' },
    { ':later': 7 },
  );
  await expect(relay()).rejects.toThrow();
  expect(await published(others)).toBe(39);
});

test('fields and a status that another release has stored are left alone, and its events go out', async () => {
  const [id = ''] = await pending(1, 60, () => true);
  const names = { '#status': 'status', '#gift': 'gift' };
  const values = { ':status': 'returned', ':gift': { wrapped: true } };
  await change(id, 'SET #status = :status, #gift = :gift', names, values);
  expect((await relay()).published).toBe(1);
  const read = await call(createGetOrder(bench), { pathParameters: { id } });
  expect([read.status, read.body.data.status]).toEqual([200, 'returned']);
  expect(Object.keys(read.body.data)).not.toContain('gift');
  const move = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  const moved = await call(createUpdateStatus(bench), move);
  expect([moved.status, moved.body.allowed]).toEqual([409, []]);
});
