import { fork } from 'node:child_process';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { BatchResponse } from '../../lib/kafka/batch.ts';
import { withBeside } from '../../lib/notification/ledger/beside.ts';
import type { DeferredReport } from '../../lib/notification/send-deferred.ts';
import type { EventType, OrderEvent, OrderStatus } from '../../lib/order-event.ts';
import { NOTIFICATION, orderPartition } from '../../lib/table.ts';
import { createOrderBench } from '../support/orders.ts';
import { FROZEN_FD } from './faults.ts';
import type { NotifyErrand, NotifyFault } from './notify-victim.ts';
import { LOST, type Provider, startProvider } from './provider.ts';
import { createRandom, type Random } from './random.ts';

export type NotifyCrashReport = {
  seed: number;
  runs: number;
  processes: number;
  killed: number;
  frozen: number;
  /** Notifications that still waited when their whole batch was answered as done. */
  waited: number;
  notifications: number;
  sent: number;
  /** Nobody knows whether these arrived: customers miss this many messages at most. */
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
const ROUNDS_WITH_FAULTS = 3;
const MAX_ROUNDS = 30;
/** Longer than any lease lasts; PAUSE_SECONDS is longer than the longest pause of a put-off. */
const CLAIM_SECONDS = 11;
const LATER_SECONDS = 60;
const PAUSE_SECONDS = 3_600 + LATER_SECONDS;
/** About how often one process writes to a service. */
const STEPS: Record<NotifyFault['service'], number> = { dynamodb: 30, provider: 8 };

/** The share of each way: freezes as long as a lease are rare, since they take long. */
const WAYS: [Way, ...Way[]] = [
  'alone',
  'alone',
  'alone',
  'alone',
  'twins',
  'twins',
  'beside',
  'frozen',
  'frozen',
  'long frozen',
];

const LIFE: [EventType, OrderStatus][] = [
  ['ORDER_CREATED', 'pending'],
  ['ORDER_SHIPPED', 'shipped'],
  ['ORDER_DELIVERED', 'delivered'],
];

/**
 * `lost`: a process was killed or frozen, or its connection to the provider was cut or went silent.
 * `inTurn`: never two processes were at the same records.
 */
type Run = { events: OrderEvent[]; lost: boolean; inTurn: boolean };
type Counts = { processes: number; killed: number; frozen: number; waited: number };
type Answer = BatchResponse | DeferredReport | 'failed' | 'killed';
/** How the processes of one attempt meet. `beside`: a run of sendDeferred at the same time. */
type Way = 'alone' | 'twins' | 'beside' | 'frozen' | 'long frozen';
type Bench = { dynamoEndpoint: string; table: string; dynamo: DynamoDBDocumentClient };

/**
 * Gives batches to `notify` processes that are killed, cut off, frozen or left hanging at random
 * steps between taking the batch and answering it, with providers in every mood. Records that were
 * not answered as done are delivered again, as by Lambda. `sendDeferred` sends put-off
 * notifications under the same faults until none waits. Then the messages at the provider are
 * compared with the records. The same seed repeats the same faults and moods.
 */
export async function crashNotify(
  addresses: { brokers: string[]; dynamoEndpoint: string },
  { seed, runs, progress }: { seed: number; runs: number; progress: (done: number) => void },
): Promise<NotifyCrashReport> {
  const bench = await createOrderBench(addresses);
  const provider = await startProvider((to) => createRandom(hashOf(to)));
  const counts: Counts = { processes: 0, killed: 0, frozen: 0, waited: 0 };
  const finished: Run[] = [];
  // A client with long limits: it must read the records on a busy machine, too.
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint: bench.dynamoEndpoint });
  const patient = { ...bench, dynamo: DynamoDBDocumentClient.from(client) };
  try {
    let begun = 0;
    const worker = async () => {
      while (begun < runs) {
        const name = seed + begun;
        begun += 1;
        finished.push(await crashOnce({ name, bench: patient, provider, counts }));
        progress(finished.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const checked: Checked[] = [];
    for (const run of finished) checked.push(await check(run, patient, provider));
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
    client.destroy();
    provider.close();
    await bench.close();
  }
}

type Given = { name: number; bench: Bench; provider: Provider; counts: Counts };

/** One partition: delivers a batch until all of it is done, then sends what still waits. */
async function crashOnce(given: Given): Promise<Run> {
  const { name, bench, provider, counts } = given;
  const random = createRandom(name);
  const events = eventsOf(name, random);
  const run: Run = { events, lost: false, inTurn: true };
  const orders = [...new Set(events.map(({ data }) => data.orderId))];
  let left = events.map((_, offset) => offset);
  let laterBy = 0;

  const errandOf = (task: NotifyErrand['task'], fault?: NotifyFault): NotifyErrand => ({
    task,
    ...(fault && { fault }),
    // As in a rolling deployment.
    joinsSkips: random.chance(0.7),
    laterBy,
    timeMs: TIME_MS,
    dynamoEndpoint: bench.dynamoEndpoint,
    provider: provider.address,
    table: bench.table,
  });

  /** @returns the answer that counts: that of a later process if the first one was frozen */
  const meet = async (task: NotifyErrand['task'], faulty: boolean): Promise<Answer> => {
    if (!faulty) return send(errandOf(task), counts).answer;
    const way = random.pick<Way>(WAYS);
    const fault = randomFault(random);
    if (fault.service === 'provider') run.lost = true;
    if (way !== 'alone') run.inTurn = false;
    if (way === 'frozen' || way === 'long frozen') {
      run.lost = true;
      const frozen = send(errandOf(task, { ...fault, action: 'halt' }), counts);
      if (!(await frozen.isFrozen)) return frozen.answer;
      if (way === 'long frozen') await seconds(CLAIM_SECONDS);
      else laterBy += LATER_SECONDS;
      const answer = await send(errandOf(task), counts).answer;
      const waits = await send(errandOf({ orders }), counts).answer;
      frozen.thaw();
      await frozen.answer;
      return waits === 'killed' ? waits : answer;
    }
    const others = { twins: task, beside: { orders } };
    const other = way === 'alone' ? [] : [send(errandOf(others[way]), counts).answer];
    const [answer, ...more] = await Promise.all([
      send(errandOf(task, fault), counts).answer,
      ...other,
    ]);
    if (answer === 'killed' || more.includes('killed')) {
      run.lost = true;
      laterBy += LATER_SECONDS;
    }
    return answer;
  };

  for (let attempt = 1; left.length > 0 && attempt <= MAX_ATTEMPTS; attempt += 1) {
    const faulty = attempt <= ATTEMPTS_WITH_FAULTS && random.chance(0.85);
    const answer = await meet({ batch: batchOf(events, left) }, faulty);
    if (typeof answer === 'object' && 'batchItemFailures' in answer) {
      left = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset);
    }
    laterBy += random.pick([0, 0, LATER_SECONDS]);
  }
  counts.waited += await waiting(run, bench);
  for (let round = 1; round <= MAX_ROUNDS && (await waiting(run, bench)) > 0; round += 1) {
    laterBy += PAUSE_SECONDS;
    await meet({ orders }, round <= ROUNDS_WITH_FAULTS && random.chance(0.7));
  }
  return run;
}

/** The number of notifications of a run that still wait. */
async function waiting({ events }: Run, { dynamo, table }: Bench): Promise<number> {
  const records = await Promise.all(events.map((event) => recordsOf(event, dynamo, table)));
  return records.flat().filter(({ deferredUntil }) => deferredUntil !== undefined).length;
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1_000));
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
      // Every third customer has no phone, so that the skip of an SMS is under the same faults.
      contact: {
        email: `c${recipient}@example.com`,
        ...(recipient % 3 !== 0 && { phone: `+1${recipient}` }),
      },
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

type Sent = {
  /** The function's answer, or `failed`, or `killed` if its process was killed. */
  answer: Promise<Answer>;
  /** True if the process hangs instead of having ended. */
  isFrozen: Promise<boolean>;
  thaw(): void;
};

function send(errand: NotifyErrand, counts: Counts): Sent {
  const child = fork(join(import.meta.dirname, 'notify-victim.ts'), [JSON.stringify(errand)], {
    execArgv: ['-r', join(import.meta.dirname, 'environment.cjs')],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
  });
  counts.processes += 1;
  const kill = () => child.kill('SIGKILL');
  let timer = setTimeout(kill, LIFE_MS);
  let said: { answer?: BatchResponse | DeferredReport } | undefined;
  child.on('message', (message) => {
    said = message as { answer?: BatchResponse };
  });
  const frozen = Promise.withResolvers<boolean>();
  child.stdio[FROZEN_FD]?.on('data', () => {
    clearTimeout(timer);
    counts.frozen += 1;
    frozen.resolve(true);
  });
  const answer = new Promise<Answer>((resolve) => {
    child.on('close', () => {
      clearTimeout(timer);
      frozen.resolve(false);
      if (!said) counts.killed += 1;
      resolve(said ? (said.answer ?? 'failed') : 'killed');
    });
  });
  return {
    answer,
    isFrozen: frozen.promise,
    thaw() {
      timer = setTimeout(kill, LIFE_MS);
      child.kill('SIGCONT');
    },
  };
}

type Checked = {
  notifications: number;
  sent: number;
  unknown: number;
  unknownButTaken: number;
  superseded: number;
  violations: string[];
};

/** The promise in plain code: compares the messages that the provider took with the records. */
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
      if (channel === 'sms' && !phone) {
        const [skip] = records.filter((one) => one.channel === channel);
        const isRight =
          skip?.status === 'skipped' && ['no address', 'superseded'].includes(skip.reason);
        if (!isRight) result.violations.push(`SMS not skipped: ${event.id}: ${skip?.status}`);
        continue;
      }
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
      if (taken > 0 && run.inTurn && !run.lost) {
        // In the provider's book, messages of the order's later events must come after this one.
        const later = laterOf(event, run.events, channel);
        const at = provider.book.indexOf(to);
        if (later.some((other) => isBefore(provider.book.indexOf(other), at)))
          wrong('out of order');
      }
    }
  }
  return result;
}

/** The recipients of an order's later events on a channel. */
function laterOf({ data, sequence }: OrderEvent, events: OrderEvent[], channel: string): string[] {
  return events
    .filter((other) => other.data.orderId === data.orderId && other.sequence > sequence)
    .map((other) => String(other.data.contact?.[channel === 'email' ? 'email' : 'phone']));
}

function isBefore(one: number, other: number): boolean {
  return one >= 0 && one < other;
}

async function recordsOf({ id, data }: OrderEvent, dynamo: DynamoDBDocumentClient, table: string) {
  const query = new QueryCommand({
    TableName: table,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderPartition(data.orderId), ':sk': NOTIFICATION },
    ConsistentRead: true,
  });
  const { Items = [] } = await dynamo.send(query);
  return Items.flatMap((item) => withBeside(item) as (typeof item)[]).filter(
    ({ eventId }) => eventId === id,
  );
}

function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return hash;
}
