import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { callersOf } from '../../support/callers.ts';
import { always, type Fault, faultyDynamo } from '../../support/faults.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;
let topic: Awaited<ReturnType<typeof readTopic>>;

beforeAll(async () => {
  bench = await createOrderBench();
  topic = await readTopic(bench.brokers, bench.topic);
});

afterAll(async () => {
  await topic.close();
  await bench.close();
});

/** The first try is throttled, or every one. */
function* once(): Generator<Fault> {
  yield 'throttled';
  yield* always('none');
}

function throttled(commandName: string, faults: Iterable<Fault>) {
  const { client, tries } = faultyDynamo(commandName, faults);
  const deps: OutboxDeps = { ...bench, repository: createRepository({ ...bench, dynamo: client }) };
  return { deps, tries };
}

function place(customerId: string, deps: OutboxDeps, headers = {}) {
  const body = { customerId, items: [{ productId: 'p', quantity: 1, price: 5 }] };
  return call(createCreateOrder({ ...deps, callers: callersOf() }), {
    method: 'POST',
    headers,
    body,
  });
}

function move(id: string, deps: OutboxDeps) {
  const request = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  return call(createUpdateStatus({ ...deps, callers: callersOf() }), request);
}

async function ordersOf(customerId: string) {
  const { body } = await call(createListByCustomer(bench), {
    pathParameters: { customerId },
  });
  return body.data;
}

const told = (id: string) =>
  topic.records.filter(({ key }) => key === id).map(({ value }) => JSON.parse(value).sequence);

const refused = [503, 'DATABASE_AWAY', '5'];

test.each([
  ['PutItem', {}],
  ['TransactWriteItems', { 'idempotency-key': 'throttled-for-good' }],
])('an order whose %s is throttled for good is not there at all', async (command, headers) => {
  const { deps, tries } = throttled(`${command}Command`, always('throttled'));
  const reply = await place(`none-${command}`, deps, headers);
  expect([reply.status, reply.body.code, reply.headers['retry-after']]).toEqual(refused);
  expect(tries[command]).toBe(3);
  expect(await ordersOf(`none-${command}`)).toEqual([]);
});

test.each([
  ['PutItem', {}],
  ['TransactWriteItems', { 'idempotency-key': 'throttled-once' }],
])('an order whose %s is throttled once succeeds late', async (command, headers) => {
  const { deps, tries } = throttled(`${command}Command`, once());
  const reply = await place(`late-${command}`, deps, headers);
  expect(reply.status).toBe(201);
  expect(tries[command]).toBeGreaterThan(1);
  const { id } = reply.body.data;
  await until('its event', () => (told(id).length > 0 ? true : undefined));
  expect((await bench.repository.get(id))?.events).toHaveLength(1);
});

test('a change that is throttled for good changes nothing', async () => {
  const { id } = (await place('c', bench)).body.data;
  const before = await bench.repository.get(id);
  for (const command of ['GetItemCommand', 'UpdateItemCommand']) {
    const reply = await move(id, throttled(command, always('throttled')).deps);
    expect([reply.status, reply.body.code, reply.headers['retry-after']]).toEqual(refused);
    expect(await bench.repository.get(id)).toEqual(before);
  }
  expect((await move(id, throttled('UpdateItemCommand', once()).deps)).status).toBe(200);
  await until('its event', () => (told(id).length >= 2 ? true : undefined));
  expect(told(id)).toEqual([1, 2]);
});

test('a mark that is throttled does not undo a success: the event is published again, the same', async () => {
  const { deps } = throttled('UpdateItemCommand', always('throttled'));
  const reply = await place('marked-late', deps);
  expect(reply.status).toBe(201);
  const { id } = reply.body.data;
  const clock = { now: () => new Date(Date.now() + 60_000) };
  await until('the relay to publish it again', async () => {
    await createRelayOutbox({ ...bench, clock })({}, lambdaContext());
    return told(id).length >= 2 ? true : undefined;
  });
  const [first, again] = topic.records.filter(({ key }) => key === id);
  expect(again).toEqual(first);
  expect((await bench.repository.get(id))?.events[0]?.publishedAt).toBeDefined();
});

/** All tries of the first request, and none afterwards. */
function* first(): Generator<Fault> {
  for (let tries = 0; tries < 3; tries += 1) yield 'throttled';
  yield* always('none');
}

test.each(['GetItem', 'Query', 'UpdateItem'])(
  'the relay publishes in the same run when its first %s is throttled for good',
  async (command) => {
    const producer: Producer = {
      ...bench.producer,
      send: () => Promise.reject(new AppError('KAFKA_AWAY', 'away')),
    };
    const { id } = (await place(`relayed-${command}`, { ...bench, producer })).body.data;
    const { deps } = throttled(`${command}Command`, first());
    const clock = { now: () => new Date(Date.now() + 60_000) };
    const report = await createRelayOutbox({ ...deps, clock })({}, lambdaContext());
    expect(report).toMatchObject({ done: true });
    expect((await bench.repository.get(id))?.events[0]?.publishedAt).toBeDefined();
    await until('its event', () => (told(id).length > 0 ? true : undefined));
  },
);

test('a relay whose reads are throttled for good ends before its time does, with the reason', async () => {
  const { deps } = throttled('QueryCommand', always('throttled'));
  const run = createRelayOutbox(deps)({}, lambdaContext(15_000));
  await expect(run).rejects.toMatchObject({ code: 'DATABASE_AWAY' });
});

test('reads that are throttled for good are 503 with a time, and late otherwise', async () => {
  const list = (deps: OutboxDeps) =>
    call(createListByCustomer({ repository: deps.repository, callers: callersOf() }), {
      pathParameters: { customerId: 'c' },
    });
  const never = await list(throttled('QueryCommand', always('throttled')).deps);
  expect([never.status, never.body.code, never.headers['retry-after']]).toEqual(refused);
  expect((await list(throttled('QueryCommand', once()).deps)).status).toBe(200);
});
