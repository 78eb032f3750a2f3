import { fork } from 'node:child_process';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { BatchResponse } from '../../lib/kafka/batch.ts';
import { NOTIFICATION, orderKey } from '../../lib/notification/record.ts';
import type { EventType, OrderEvent, OrderStatus } from '../../lib/order-event.ts';
import { createOrderBench } from '../support/orders.ts';
import type { NotifyErrand, NotifyFault } from './notify-victim.ts';
import { LOST, type Provider, startProvider } from './provider.ts';
import { createRandom, type Random } from './random.ts';

export type NotifyCrashReport = {
  seed: number;
  runs: number;
  processes: number;
  killed: number;
  notifications: number;
  sent: number;
  /** Nobody knows whether these arrived: at most this many were told to nobody. */
  unknown: number;
  /** Of those, how many the provider had really taken. */
  unknownButTaken: number;
  superseded: number;
  providerCalls: number;
  violations: string[];
};

/** How long an invocation may take, and how long its process may live. */
const TIME_MS = 20_000;
const LIFE_MS = 25_000;
const AT_ONCE = 3;
const ATTEMPTS_WITH_FAULTS = 3;
const MAX_ATTEMPTS = 12;
/** Longer than any claim lasts. */
const LATER_SECONDS = 60;
/** About how often one process writes to a service. */
const STEPS: Record<NotifyFault['service'], number> = { dynamodb: 30, provider: 8 };

const LIFE: [EventType, OrderStatus][] = [
  ['ORDER_CREATED', 'pending'],
  ['ORDER_SHIPPED', 'shipped'],
  ['ORDER_DELIVERED', 'delivered'],
];

/** `lost`: a process was killed, or its connection to the provider was cut or went silent. */
type Run = { events: OrderEvent[]; lost: boolean };
type Counts = { processes: number; killed: number };
type Bench = { dynamoEndpoint: string; table: string; dynamo: DynamoDBDocumentClient };

/**
 * Gives batches to `notify` processes that are killed, cut off or left hanging at random steps between
 * taking the batch and answering it, with providers in every mood; delivers again what was not
 * answered as done, as Lambda does; then looks at what the provider has taken and what is on record.
 * The same seed plants the same faults and moods.
 */
export async function crashNotify(
  addresses: { brokers: string[]; dynamoEndpoint: string },
  { seed, runs, progress }: { seed: number; runs: number; progress: (done: number) => void },
): Promise<NotifyCrashReport> {
  const bench = await createOrderBench(addresses);
  const provider = await startProvider((to) => createRandom(hashOf(to)));
  const counts: Counts = { processes: 0, killed: 0 };
  const finished: Run[] = [];
  try {
    let begun = 0;
    const worker = async () => {
      while (begun < runs) {
        const name = seed + begun;
        begun += 1;
        finished.push(await crashOnce({ name, bench, provider, counts }));
        progress(finished.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // A client that waits: what is on record must be read, however busy the machine is.
    const client = new DynamoDBClient({ region: 'us-east-1', endpoint: bench.dynamoEndpoint });
    const dynamo = DynamoDBDocumentClient.from(client);
    const checked: Checked[] = [];
    for (const run of finished) {
      checked.push(await check(run, { dynamo, table: bench.table }, provider));
    }
    client.destroy();
    const sum = (of: (one: Checked) => number) => checked.reduce((all, one) => all + of(one), 0);
    return {
      seed,
      runs,
      ...counts,
      notifications: sum((one) => one.notifications),
      sent: sum((one) => one.sent),
      unknown: sum((one) => one.unknown),
      unknownButTaken: sum((one) => one.unknownButTaken),
      superseded: sum((one) => one.superseded),
      providerCalls: [...provider.ways.values()].flat().length,
      violations: checked.flatMap((one) => one.violations),
    };
  } finally {
    provider.close();
    await bench.close();
  }
}

/** One partition's way: a batch, delivered until all of it is answered as done. */
async function crashOnce(given: {
  name: number;
  bench: Bench;
  provider: Provider;
  counts: Counts;
}): Promise<Run> {
  const { name, bench, provider, counts } = given;
  const random = createRandom(name);
  const events = eventsOf(name, random);
  const run: Run = { events, lost: false };
  let left = events.map((_, offset) => offset);
  let laterBy = 0;
  for (let attempt = 1; left.length > 0 && attempt <= MAX_ATTEMPTS; attempt += 1) {
    const faulty = attempt <= ATTEMPTS_WITH_FAULTS && random.chance(0.85);
    const errand = (fault?: NotifyFault): NotifyErrand => ({
      batch: batchOf(events, left),
      ...(fault && { fault }),
      laterBy,
      timeMs: TIME_MS,
      dynamoEndpoint: bench.dynamoEndpoint,
      provider: provider.address,
      table: bench.table,
    });
    // A batch that is delivered twice at the same time, as when Kafka takes a partition away.
    const twins = faulty && random.chance(0.15) ? [randomFault(random), undefined] : undefined;
    const faults = twins ?? [faulty ? randomFault(random) : undefined];
    if (faults.some((fault) => fault?.service === 'provider')) run.lost = true;
    const answers = await Promise.all(faults.map((fault) => send(errand(fault), counts)));
    const [answer] = answers;
    if (answers.includes('killed')) {
      run.lost = true;
      laterBy += LATER_SECONDS;
    }
    // The twin's answer comes too late to be committed.
    if (answer && typeof answer === 'object') {
      left = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset);
    }
  }
  return run;
}

/** Two orders in one partition, each with its events in order; now and then one comes late. */
function eventsOf(name: number, random: Random): OrderEvent[] {
  const orders = [1, 2].map((number) => {
    return LIFE.slice(0, 1 + random.below(LIFE.length)).map((_, i) => {
      return eventOf(`${name}-${number}`, i, name * 10 + number * 3 + i);
    });
  });
  const [first = [], second = []] = orders;
  const late = random.chance(0.15) ? first.toReversed() : first;
  return random.chance(0.5) ? [...late, ...second] : [...second, ...late];
}

/** Every event has recipients of its own, so that the provider's book tells the events apart. */
function eventOf(order: string, index: number, recipient: number): OrderEvent {
  const [type, status] = LIFE[index] ?? LIFE[0] ?? ['ORDER_CREATED', 'pending'];
  return {
    id: `event-${order}-${index}`,
    type,
    timestamp: '2026-11-20T10:00:00.000Z',
    sequence: index + 1,
    schemaVersion: 1,
    data: {
      orderId: `order-${order}`,
      customerId: `customer-${order}`,
      totalAmount: 5,
      currency: 'USD',
      status,
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      contact: { email: `c${recipient}@example.com`, phone: `+1${recipient}` },
    },
  };
}

function batchOf(events: OrderEvent[], offsets: number[]) {
  const records = offsets.map((offset) => {
    const event = events[offset];
    return {
      topic: 'orders',
      partition: 0,
      offset,
      timestamp: 0,
      key: Buffer.from(String(event?.data.orderId)).toString('base64'),
      value: Buffer.from(JSON.stringify(event)).toString('base64'),
    };
  });
  return { eventSource: 'SelfManagedKafka', records: { 'orders-0': records } };
}

function randomFault(random: Random): NotifyFault {
  const service = random.pick<NotifyFault['service']>(['dynamodb', 'dynamodb', 'provider']);
  return {
    service,
    step: random.pick(['write', 'written', 'heard']),
    at: 1 + random.below(STEPS[service]),
    action: random.pick(['kill', 'kill', 'kill', 'cut', 'hang']),
  };
}

/** @returns the function's answer, or that it failed, or that its process was killed */
async function send(
  errand: NotifyErrand,
  counts: Counts,
): Promise<BatchResponse | 'failed' | 'killed'> {
  const child = fork(join(import.meta.dirname, 'notify-victim.ts'), [JSON.stringify(errand)], {
    execArgv: ['-r', join(import.meta.dirname, 'environment.cjs')],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  counts.processes += 1;
  const timer = setTimeout(() => child.kill('SIGKILL'), LIFE_MS);
  let said: { answer?: BatchResponse } | undefined;
  child.on('message', (message) => {
    said = message as { answer?: BatchResponse };
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (said) return said.answer ?? 'failed';
  counts.killed += 1;
  return 'killed';
}

type Checked = {
  notifications: number;
  sent: number;
  unknown: number;
  unknownButTaken: number;
  superseded: number;
  violations: string[];
};

/** The promise, read plainly: what the provider has taken, against what is on record. */
async function check(
  run: Run,
  { dynamo, table }: Pick<Bench, 'dynamo' | 'table'>,
  provider: Provider,
): Promise<Checked> {
  const result: Checked = {
    notifications: 0,
    sent: 0,
    unknown: 0,
    unknownButTaken: 0,
    superseded: 0,
    violations: [],
  };
  for (const event of run.events) {
    const records = await recordsOf(event, dynamo, table);
    for (const channel of ['email', 'sms']) {
      const { email, phone } = event.data.contact ?? {};
      const to = String(channel === 'email' ? email : phone);
      const taken = provider.taken.get(to) ?? 0;
      const ways = provider.ways.get(to) ?? [];
      const [record, ...more] = records.filter((one) => one.channel === channel);
      const status = String(record?.status);
      const why = record?.reason ? ` (${record.reason})` : '';
      const told = `${event.id} ${channel}: ${status}${why}, taken ${taken}, provider ${ways.join()}`;
      const wrong = (rule: string) => result.violations.push(`${rule}: ${told}`);

      result.notifications += 1;
      if (taken > 1) wrong('told twice');
      if (more.length > 0) wrong('two records');
      if (status === 'sent') {
        result.sent += 1;
        if (taken !== 1) wrong('sent on record, and not taken');
      } else if (status === 'unknown') {
        result.unknown += 1;
        result.unknownButTaken += Math.min(taken, 1);
        const lost = ways.some((way) => LOST.includes(way));
        if (!lost && !run.lost) wrong('unknown without a process killed or an answer lost');
      } else if (status === 'skipped' && record?.reason === 'superseded') {
        result.superseded += 1;
        const isLate = run.events.some(
          ({ data, sequence }) => data.orderId === event.data.orderId && sequence > event.sequence,
        );
        if (taken > 0 || !isLate) wrong('superseded without reason');
      } else wrong('not settled');
    }
  }
  return result;
}

async function recordsOf({ id, data }: OrderEvent, dynamo: DynamoDBDocumentClient, table: string) {
  const query = new QueryCommand({
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderKey(data.orderId), ':sk': NOTIFICATION },
    ConsistentRead: true,
  });
  const { Items = [] } = await dynamo.send(query);
  return Items.filter(({ eventId }) => eventId === id);
}

function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return hash;
}
