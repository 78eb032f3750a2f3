import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createHealth } from '../../../functions/health/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { createStandstill } from '../../../lib/kafka/standstill.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { countRequests } from '../../support/faults.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';
import { createLifeBench, type Life, shown, unitsOfLife } from './life.ts';

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
const headers = { 'idempotency-key': 'a-key' };

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

/** The requests of some work to DynamoDB, by their names. docs/architecture.md has them. */
async function costOf(
  work: (deps: OutboxDeps & { dynamo: DynamoDBDocumentClient }) => Promise<unknown>,
) {
  const client = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const requests = countRequests(client);
  await work({
    ...bench,
    dynamo: client,
    repository: createRepository({ ...bench, dynamo: client }),
  });
  client.destroy();
  return requests;
}

const place = (deps: OutboxDeps, keyed = {}) =>
  call(createCreateOrder({ ...deps, callers: callersOf() }), { method: 'POST', body, ...keyed });

function move(deps: OutboxDeps, id: string, status: string) {
  const request = { method: 'PUT', pathParameters: { id }, body: { status } };
  return call(createUpdateStatus({ ...deps, callers: callersOf() }), request);
}

test('an order costs one write and one mark, with a key as without', async () => {
  expect(await costOf((deps) => place(deps))).toEqual({ PutItem: 1, UpdateItem: 1 });
  expect(await costOf((deps) => place(deps, { headers }))).toEqual({
    TransactWriteItems: 1,
    UpdateItem: 1,
  });
});

test('a replay costs one request', async () => {
  expect(await costOf((deps) => place(deps, { headers }))).toEqual({ TransactWriteItems: 1 });
});

test('a whole life of four statuses costs eleven requests', async () => {
  const cost = await costOf(async (deps) => {
    const { id } = (await place(deps)).body.data;
    for (const status of ['confirmed', 'shipped', 'delivered']) {
      expect((await move(deps, id, status)).status).toBe(200);
    }
  });
  expect(cost).toEqual({ PutItem: 1, GetItem: 3, UpdateItem: 7 });
});

test('a status that is there already, and a read, cost one request', async () => {
  const { id } = (await place(bench)).body.data;
  expect(await costOf((deps) => move(deps, id, 'pending'))).toEqual({ GetItem: 1 });
  const read = (deps: OutboxDeps) =>
    call(createGetOrder({ repository: deps.repository, callers: callersOf() }), {
      pathParameters: { id },
    });
  expect(await costOf(read)).toEqual({ GetItem: 1 });
});

test('a page costs one query', async () => {
  const list = (deps: OutboxDeps) =>
    call(createListByCustomer({ repository: deps.repository, callers: callersOf() }), {
      pathParameters: { customerId: 'c' },
    });
  expect(await costOf(list)).toEqual({ Query: 1 });
});

test('a health check costs 18 queries, a run of the relay 35; each order that it publishes two more', async () => {
  const health = (deps: OutboxDeps & { dynamo: DynamoDBDocumentClient }) => {
    const { repository, clock, dynamo } = deps;
    const { stuck } = createStandstill({ dynamo, table: bench.table, clock });
    const checkKafka = async () => undefined;
    return call(
      createHealth({
        callers: callersOf(),
        backlog: () => repository.backlog.summary(),
        stuck,
        checkKafka,
        clock,
      }),
    );
  };
  expect(await costOf(health)).toEqual({ Query: 18 });
  const clock = { now: () => new Date(Date.now() + 60_000) };
  const relay = (deps: OutboxDeps) => createRelayOutbox({ ...deps, clock })({}, lambdaContext());
  await until('nothing to be pending', async () =>
    (await bench.repository.backlog.summary()).oldest === undefined ? true : undefined,
  );
  // As many again for the age of the waiting events, on which an alarm rings.
  expect(await costOf(relay)).toEqual({ Query: 35 });
  const producer = createProducer([`localhost:${await freePort()}`]);
  await place({ ...bench, producer });
  await until(
    'the index to hold it',
    async () => (await bench.repository.backlog.summary()).oldest,
  );
  expect(await costOf(relay)).toEqual({ Query: 35, GetItem: 1, UpdateItem: 1 });
});

describe('a life of four statuses, with an email and a skipped SMS at each, costs these write units:', () => {
  const EMAIL = { table: 3, notificationsByCustomer: 1 };
  const COST: Life = {
    created: { table: 2, byCustomer: 1, byDay: 1, pendingEvents: 2 },
    'created, email': EMAIL,
    confirmed: { table: 2, byCustomer: 1, pendingEvents: 2 },
    'confirmed, email': EMAIL,
    shipped: { table: 4, byCustomer: 1, pendingEvents: 2 },
    'shipped, email': EMAIL,
    delivered: { table: 4, byCustomer: 1, pendingEvents: 2 },
    'delivered, email': EMAIL,
  };
  let lives: Awaited<ReturnType<typeof createLifeBench>>;

  beforeAll(async () => {
    lives = await createLifeBench();
  });

  afterAll(() => lives.close());

  test('41 in all', async () => {
    const life = await lives.life();
    console.log(shown(life));
    expect(life).toEqual(COST);
    expect(unitsOfLife(life)).toBe(41);
  });

  test('47 with an idempotency key, as its transaction counts double', async () => {
    const life = await lives.life(headers);
    expect(life).toEqual({
      ...COST,
      created: { table: 5, byCustomer: 2, byDay: 2, pendingEvents: 3 },
    });
    expect(unitsOfLife(life)).toBe(47);
  });
});
