import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AppError } from '../../../lib/errors.ts';
import { deadLetterOf } from '../../../lib/kafka/dead-letter.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { always, faultyDynamo } from '../../support/faults.ts';
import { lambdaContext } from '../../support/http.ts';
import { sls } from '../../support/sls.ts';
import { readTopic } from '../../support/topic.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;
let topic: string;
let producer: ReturnType<typeof createProducer>;
let reader: Awaited<ReturnType<typeof readTopic>>;

beforeAll(async () => {
  bench = await createNotifyBench();
  topic = bench.deadLetterTopic.replace('-dlq', '');
  producer = createProducer(bench.brokers);
  reader = await readTopic(bench.brokers, topic);
});

afterAll(async () => {
  await reader.close();
  await producer.disconnect();
  await bench.close();
});

/** Fails for each in its turn, and writes it to the dead letters as after the retries of the mapping. */
async function giveUp(events: readonly OrderEvent[]): Promise<void> {
  const { client } = faultyDynamo('UpdateItemCommand', always('never sent'));
  for (const [offset, event] of events.entries()) {
    await expect(bench.notify({ dynamo: client })(event)).rejects.toMatchObject({
      code: 'DATABASE_AWAY',
    });
    const record = {
      topic,
      partition: 0,
      offset,
      timestamp: 1_795_168_800_012,
      key: Buffer.from(event.data.orderId).toString('base64'),
      value: Buffer.from(JSON.stringify(event)).toString('base64'),
    };
    const letter = deadLetterOf(
      {
        event: { records: { [`${topic}-0`]: [record] } },
        partition: `${topic}-0`,
        record,
        context: lambdaContext(),
        reason: new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.'),
      },
      'notify',
      new Date(),
    );
    await producer.send(bench.deadLetterTopic, [letter], 5_000);
  }
  client.destroy();
}

/** The records of an order that the real command puts back on their topic, in their order there. */
async function redriven(order: OrderEvent['data'], ...options: string[]) {
  const before = reader.records.length;
  const { stdout, code } = await sls(['kafka', 'redrive', '--json', ...options], {
    KAFKA_BROKERS: bench.brokers.join(','),
    DYNAMODB_ENDPOINT: bench.dynamoEndpoint,
    ORDERS_TABLE: bench.table,
    ORDER_EVENTS_TOPIC: topic,
    ORDER_EVENTS_DLQ: bench.deadLetterTopic,
  });
  expect(code).toBe(0);
  const [{ counts }] = JSON.parse(stdout).topics;
  const records = await reader.atLeast(before + counts.redriven);
  return records.slice(before).filter(({ key }) => key === order.orderId);
}

function lifeOf() {
  const created = newEvent({}, { contact: { email: 'ada@example.com' } });
  const { data } = created;
  const shipped = newEvent({ type: 'ORDER_SHIPPED', sequence: 2 }, data);
  return [created, shipped, newEvent({ type: 'ORDER_DELIVERED', sequence: 3 }, data)] as const;
}

test('dead letters of a long outage of DynamoDB are processed in order after sls kafka redrive', async () => {
  const events = lifeOf();
  const [{ data }] = events;
  await giveUp(events);
  const inbox = createInbox();
  const records = await redriven(data, '--all');
  expect(records).toHaveLength(3);
  expect(await bench.notify({ sender: inbox })(...records)).toEqual(bench.failed());
  const told = inbox.sent.map((message) => ('subject' in message ? message.subject : ''));
  expect(told).toHaveLength(3);
  expect(told.map((subject) => /on its way|has arrived/.exec(subject)?.[0])).toEqual([
    undefined,
    'on its way',
    'has arrived',
  ]);
  // The command puts nothing back twice; a record that comes twice tells nobody again.
  expect(await redriven(data, '--all')).toEqual([]);
  expect(await bench.notify({ sender: inbox })(...records)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(3);
});

test('a redriven event that a later one of its order has overtaken is skipped on record', async () => {
  const [created, shipped] = lifeOf();
  await giveUp([created]);
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  expect(await notify(shipped)).toEqual(bench.failed());
  const records = await redriven(created.data, '--key', created.data.orderId);
  expect(records).toHaveLength(1);
  expect(await notify(...records)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(1);
  expect(await bench.recorded(created)).toMatchObject({
    email: { status: 'skipped', reason: 'superseded' },
  });
});
