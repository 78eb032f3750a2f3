// Counts how often an event is published again while nothing fails: clients place orders through
// serverless-offline, and a Kafka client of the test's own reads the topic and counts the records.
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { pool } from '../lib/pool.ts';
import { ownBackend } from './support/backend.ts';
import './support/environment.ts';
import { createOrderBench, type OrderBench } from './support/orders.ts';
import { startOffline } from './support/sls.ts';
import { environmentOf } from './support/system.ts';
import { readTopic } from './support/topic.ts';
import { until } from './support/until.ts';

const HELP = `Usage: npm run test:repeats -- [--orders 10000] [--clients 8] [--move]

Places orders through serverless-offline, on a Kafka and a DynamoDB Local of its own, and counts the events
that a reader of the topic finds more than once. With --move each client confirms its order right after the
answer. It fails if an event is missing or a request fails.`;

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '10000' },
    clients: { type: 'string', default: '8' },
    move: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const REQUEST_MS = 20_000;
const PUBLISHED_MS = 120_000;
const READ_MS = 60_000;
/** The functions start and connect to Kafka with these, which are not counted. */
const WARM_UP = 40;

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [orders, clients] = [Number(values.orders), Number(values.clients)];
  if (![orders, clients].every((count) => Number.isInteger(count) && count > 0)) {
    throw new Error(HELP);
  }
  const { backend, addresses } = await ownBackend('repeats');
  try {
    console.log(JSON.stringify(await repeatsOf(addresses, orders, clients), null, 2));
  } finally {
    await backend.stop();
  }
}

async function repeatsOf(
  addresses: Parameters<typeof createOrderBench>[0],
  orders: number,
  clients: number,
) {
  const bench = await createOrderBench(addresses);
  const topic = await readTopic(bench.brokers, bench.topic);
  const offline = await startOffline({
    ...environmentOf(bench),
    POWERTOOLS_LOG_LEVEL: 'ERROR',
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
  });
  const allPublished = () =>
    until(
      'all events to be published',
      async () => (await bench.repository.backlog.summary()).oldest === undefined || undefined,
      PUBLISHED_MS,
    );
  try {
    await pool(customers('warm-up', WARM_UP), clients, async (id) => {
      await place(offline.url, id);
    });
    await allPublished();
    const failures: string[] = [];
    let [done, events] = [0, 0];
    await pool(customers('counted', orders), clients, async (customer) => {
      try {
        const { id } = await place(offline.url, customer);
        events += 1;
        if (values.move) {
          await ask(offline.url, 'PUT', `/api/orders/${id}/status`, { status: 'confirmed' });
          events += 1;
        }
      } catch (error) {
        failures.push(String(error));
      }
      done += 1;
      if (done % 1_000 === 0) console.log(`${done} of ${orders} orders`);
    });
    await allPublished();
    const records = await topic.atLeast(await writtenTo(bench), READ_MS);
    const counted = records
      .map(({ value }) => JSON.parse(value))
      .filter(({ data }) => data.customerId.startsWith('counted'));
    const distinct = new Set(counted.map(({ id }) => id)).size;
    const missing = Math.max(0, events - distinct);
    if (missing > 0 || failures.length > 0) process.exitCode = 1;
    return { orders, clients, events, repeats: counted.length - distinct, missing, failures };
  } finally {
    await offline.stop();
    await topic.close();
    await bench.close();
  }
}

/** How many records the topic has. */
async function writtenTo({ brokers, topic }: OrderBench): Promise<number> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const partitions = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
}

/** A customer for each order. */
function customers(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${name}-${number}`);
}

function place(url: string, customerId: string): Promise<{ id: string }> {
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  return ask(url, 'POST', '/api/orders', { customerId, items });
}

/** @throws Error with the answer, if it is no success */
async function ask(url: string, method: string, path: string, body: object) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} answered ${answer.status}: ${text}`);
  return JSON.parse(text).data;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
