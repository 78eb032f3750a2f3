// How fast `notify` drains the topic under the emulator, beside the bare rate of the same writes to
// DynamoDB Local in the same run; and whether every event was told once, in order, in flat memory.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../lib/clock.ts';
import type { Notification } from '../lib/notification/record.ts';
import { NOTIFICATION, orderKey } from '../lib/notification/record.ts';
import { createSeen } from '../lib/notification/seen.ts';
import type { OrderEvent } from '../lib/order-event.ts';
import { startBackend } from '../local/backend.ts';
import { supervise } from '../local/supervise.ts';
import { createOrderBench, type OrderBench } from '../test/support/orders.ts';
import { freePorts } from '../test/support/ports.ts';
import { ROOT } from '../test/support/root.ts';
import { plainEnvironment } from '../test/support/sls.ts';
import { environmentOf } from '../test/support/system.ts';
import { table, timed } from './figures.ts';

const HELP = `Usage: npm run bench:notify -- [--events 10000] [--orders 1000]

The full run is --events 100000 --orders 10000.`;
const RATIO_GOAL = 0.5;
const BARE_AT_ONCE = 32;
const BARE_EVENTS = 2_500;
const MEMORY_FIGURES = 24;
/** As far apart as a run is cut for its rates and its memory. */
const SAMPLE_MS = 5_000;
/** Nothing more comes after that long: every claim has ended, and every pause of the emulator. */
const STALLED_MS = 90_000;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    orders: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
  },
});

type Sample = { seconds: number; told: number; megabytes: number };

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const [events, orders] = [Number(values.events), Number(values.orders)];
  if (!Number.isInteger(events / orders) || orders < 1) throw new Error(HELP);
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const directory = await mkdtemp(join(tmpdir(), 'orders-bench-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const say = console.log;
  const backend = await startBackend({ directory, kafkaPort, dynamoPort, supervisor, say });
  const addresses = { brokers: [backend.kafkaBrokers], dynamoEndpoint: backend.dynamoEndpoint };
  const bench = await createOrderBench(addresses);
  try {
    const before = await bareRates(bench, Math.min(events, BARE_EVENTS), 'before');
    await produce(bench, orders, events / orders);
    const { samples, seconds, told } = await drain(bench, events);
    const after = await bareRates(bench, Math.min(events, BARE_EVENTS), 'after');
    const rate = events / seconds;
    const beside = (kind: keyof Bare) =>
      `${before[kind].toFixed(0)}, ${after[kind].toFixed(0)} events/s: ratio ` +
      `${(rate / ((before[kind] + after[kind]) / 2)).toFixed(2)}`;
    const wrong = await violations(bench, told, orders, events / orders);
    const steady = samples.slice(Math.floor(samples.length / 4));
    console.log(
      table(
        ['what', 'figure'],
        [
          ['events drained', `${events} of ${orders} orders in ${seconds.toFixed(0)} s`],
          ['rate of notify, 1 read and 4 writes an event', `${rate.toFixed(0)} events/s`],
          ['its 4 writes bare, before and after', `${beside('all')} (goal ${RATIO_GOAL})`],
          ['claim and outcome bare, 2 writes', beside('claims')],
          ['memory, MB, over time', thinned(samples).join(' ')],
          ['memory growth after the first quarter', growth(steady)],
          ['violations', wrong.length],
        ],
      ),
    );
    for (const line of wrong.slice(0, 10)) console.log(line);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await bench.close();
    await backend.stop();
  }
}

type Bare = { all: number; claims: number };

/** What `notify` writes for an event with one address, and nothing else; of it, what takes and settles. */
async function bareRates(bench: OrderBench, count: number, mark: string): Promise<Bare> {
  // A client that waits: how long a write takes is what is asked here.
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint: bench.dynamoEndpoint });
  const dynamo = DynamoDBDocumentClient.from(client);
  const seen = createSeen({ dynamo, table: bench.table, clock: systemClock });
  const claimed = async (event: OrderEvent) => {
    const { orderId } = event.data;
    const message = { channel: 'email', orderId, to: 'a@example.com', subject: '' };
    const email = { event, channel: 'email', message } as Notification;
    const claim = await seen.claim(email, new Date(Date.now() + 60_000));
    const outcome = { status: 'sent', messageId: 'm', provider: 'mock' } as const;
    await seen.settle(email, String(claim?.id), outcome);
  };
  const all = async (event: OrderEvent) => {
    await seen.advance(event);
    const sms = seen.skip({ event, channel: 'sms', skip: 'no address' }, 'no address');
    // As in `notify`, the channels do not wait for each other.
    await Promise.all([sms, claimed(event)]);
  };
  const rateOf = async (kind: string, work: (event: OrderEvent) => Promise<void>) => {
    let begun = 0;
    const worker = async () => {
      while (begun < count) {
        begun += 1;
        await work(eventOf(`bare-${mark}-${kind}-${begun}`, 1));
      }
    };
    const workers = () => Promise.all(Array.from({ length: BARE_AT_ONCE }, worker));
    return count / ((await timed(workers)) / 1000);
  };
  const rates = { all: await rateOf('all', all), claims: await rateOf('claims', claimed) };
  client.destroy();
  return rates;
}

/** All events of a round of orders, then the next: each order's in sequence, under its key. */
async function produce(bench: OrderBench, orders: number, each: number): Promise<void> {
  const kafka = new Kafka({ brokers: bench.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  for (let sequence = 1; sequence <= each; sequence += 1) {
    for (let first = 0; first < orders; first += 1_000) {
      const size = Math.min(1_000, orders - first);
      const messages = Array.from({ length: size }, (_, i) => {
        const event = eventOf(`order-${first + i}`, sequence);
        return { key: event.data.orderId, value: JSON.stringify(event) };
      });
      await producer.send({ topic: bench.topic, messages });
    }
  }
  await producer.disconnect();
}

function eventOf(orderId: string, sequence: number): OrderEvent {
  return {
    id: `${orderId}-${sequence}`,
    type: sequence === 1 ? 'ORDER_CREATED' : 'ORDER_UPDATED',
    timestamp: '2026-11-20T10:00:00.000Z',
    sequence,
    schemaVersion: 1,
    data: {
      orderId,
      customerId: `customer-of-${orderId}`,
      totalAmount: 5,
      currency: 'USD',
      status: sequence === 1 ? 'pending' : 'confirmed',
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      contact: { email: 'ada@example.com' },
    },
  };
}

/** Runs `sls offline` until it has printed as many emails as there are events. */
async function drain(bench: OrderBench, events: number) {
  const [httpPort, lambdaPort] = await freePorts(2);
  const args = ['offline', 'start', '--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`];
  const child = spawn(join(ROOT, 'node_modules/.bin/sls'), args, {
    cwd: ROOT,
    env: plainEnvironment({ ...environmentOf(bench), POWERTOOLS_LOG_LEVEL: 'SILENT' }),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const told = new Map<string, number>();
  const samples: Sample[] = [];
  const all = Promise.withResolvers<void>();
  let [count, start, last] = [0, 0, 0];
  child.on('close', () => all.reject(new Error('sls offline has ended')));
  createInterface(child.stdout).on('line', (line) => {
    const orderId = /^--- email for order (\S+)$/.exec(line)?.[1];
    if (!orderId) return;
    start ||= performance.now();
    last = performance.now();
    told.set(orderId, (told.get(orderId) ?? 0) + 1);
    count += 1;
    if (count >= events) all.resolve();
  });
  const timer = setInterval(async () => {
    const megabytes = await residentMegabytes(child.pid ?? 0);
    samples.push({ seconds: (performance.now() - start) / 1000, told: count, megabytes });
    process.stderr.write(`${count} of ${events} told, ${megabytes} MB\n`);
    // What is missing then is a violation, which is named.
    if (last > 0 && performance.now() - last > STALLED_MS) all.resolve();
  }, SAMPLE_MS);
  try {
    await all.promise;
    return { told, samples, seconds: (last - start) / 1000 };
  } finally {
    clearInterval(timer);
    child.removeAllListeners('close');
    const ended = new Promise((resolve) => child.on('close', resolve));
    // What would be told twice is told by now, or within this moment of stopping.
    if (child.pid) process.kill(-child.pid, 'SIGINT');
    await ended;
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Evenly spread over the run, the last one among them. */
function thinned(samples: Sample[]): number[] {
  const step = Math.ceil(samples.length / MEMORY_FIGURES);
  const kept = samples.filter((_, i) => (samples.length - 1 - i) % step === 0);
  return kept.map(({ megabytes }) => megabytes);
}

function growth(samples: Sample[]): string {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (!first || !last) return 'too short to say';
  return `${last.megabytes - first.megabytes} MB over ${last.told - first.told} events`;
}

/** Every event told once, and the records of an order settled in its sequence. */
async function violations(
  { dynamo, table: name }: OrderBench,
  told: Map<string, number>,
  orders: number,
  each: number,
): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < orders) {
      const orderId = `order-${next}`;
      next += 1;
      if (told.get(orderId) !== each) wrong.push(`${orderId}: told ${told.get(orderId)} times`);
      const emails = await emailsOf(orderId, dynamo, name);
      if (emails.length !== each || emails.some(({ status }) => status !== 'sent')) {
        wrong.push(`${orderId}: ${emails.map(({ status }) => status).join()}`);
      }
      const times = emails.map(({ at }) => String(at));
      if (times.join() !== times.toSorted().join()) wrong.push(`${orderId}: out of order`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return wrong;
}

/** In the order of their sequence, which is that of their keys. */
async function emailsOf(orderId: string, dynamo: DynamoDBDocumentClient, name: string) {
  const query = new QueryCommand({
    TableName: name,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderKey(orderId), ':sk': NOTIFICATION },
  });
  const { Items = [] } = await dynamo.send(query);
  return Items.filter(({ channel }) => channel === 'email');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
