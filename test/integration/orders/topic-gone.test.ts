import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createHealth } from '../../../functions/health/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createProbe } from '../../../lib/kafka/probe.ts';
import { withAdmin } from '../../../plugins/kafka-event-source/broker/kafka.ts';
import { createLedTopics } from '../../../plugins/kafka-event-source/topics.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

test('with the topic gone orders are taken, health says so, and their events follow its return', async () => {
  const topic = `gone-${bench.topic}`;
  const deps = { ...bench, topic };
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  const placed = await call(createCreateOrder(deps), { method: 'POST', body });
  expect(placed.status).toBe(201);

  const probe = createProbe(bench.brokers);
  const health = () =>
    call(
      createHealth({
        callers: callersOf(),
        clock: systemClock,
        backlog: () => bench.repository.backlog.summary(),
        checkKafka: (timeoutMs) => probe.check(topic, timeoutMs),
      }),
    );
  const { body: state } = await health().finally(() => probe.disconnect());
  expect([state.status, state.dependencies.kafka.state]).toEqual(['degraded', 'down']);

  const clock = { now: () => new Date(Date.now() + 60_000) };
  const relay = () => createRelayOutbox({ ...deps, clock })({}, lambdaContext());
  await expect(relay()).rejects.toThrow(expect.objectContaining({ code: 'KAFKA_AWAY' }));
  const [waiting] = (await bench.repository.get(placed.body.data.id))?.events ?? [];
  expect(waiting?.publishedAt).toBeUndefined();

  await withAdmin(bench.brokers.join(','), (admin) =>
    createLedTopics(admin, [{ topic, numPartitions: 1 }]),
  );
  await until('the relay to publish it', async () => {
    const { published } = await relay().catch(() => ({ published: 0 })); // until it has a leader
    return published > 0 ? true : undefined;
  });
  const reader = await readTopic(bench.brokers, topic);
  try {
    const [record] = await reader.atLeast(1);
    expect(record?.value).toBe(waiting?.value);
  } finally {
    await reader.close();
  }
});
