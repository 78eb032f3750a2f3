import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { TableLayout } from '../../lib/order/repository.ts';
import { loadItems, releases } from '../items/load.ts';
import type { Reply } from '../support/http.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { readTopic } from '../support/topic.ts';
import { until } from '../support/until.ts';
import { type Accepted, readOrders, violations } from './checker.ts';
import type { Fault } from './faults.ts';
import type { Leaderless } from './leaderless.ts';
import { createRandom, type Random } from './random.ts';
import type { Errand, Task } from './victim.ts';

export type CrashReport = {
  seed: number;
  runs: number;
  killed: number;
  /** Processes that had answered already, and were killed before the end of their work. */
  killedAfterAnswer: number;
  faults: number;
  accepted: number;
  orders: number;
  records: number;
  violations: string[];
};

type Addresses = { brokers: string[]; dynamoEndpoint: string };
type Counts = { killed: number; killedAfterAnswer: number; faults: number };

/** How long a process may live: longer than every time limit in it together. */
const LIFE_MS = 30_000;
const AT_ONCE = 3;
/** After this many runs with all leaders come as many runs with a partition without a leader. */
const STRETCH = 10;
const PARTITIONS = 3;
const ATTEMPTS = 3;
/** About how often one process writes to a service; to Kafka also a greeting and a request for partitions. */
const STEPS: Record<Fault['service'], number> = { kafka: 5, dynamodb: 4 };

const WAYS: readonly [string[], ...string[][]] = [
  ['confirmed', 'shipped', 'delivered'],
  ['shipped', 'delivered'],
  ['confirmed', 'cancelled'],
  ['cancelled'],
];

/**
 * Lets orders go their way through processes that are killed, cut off or left hanging at random steps,
 * by callers that repeat unanswered requests, and now and then without the leader of a partition; then
 * lets the relay finish, and checks what is left. The table begins with the items of the newest release
 * that is kept, and each process writes one of the two layouts of events, as in a rolling deployment.
 * The same seed plants the same faults.
 */
export async function crashOrders(
  addresses: Addresses,
  { seed, runs, progress }: { seed: number; runs: number; progress: (done: number) => void },
): Promise<CrashReport> {
  const bench = await createOrderBench(addresses);
  const topic = await readTopic(bench.brokers, bench.topic);
  const { items } = await loadItems(bench, String(releases().toSorted().at(-1)));
  const older = items.flatMap(({ sk, id }): string[] => (sk === 'ORDER' ? [id] : []));
  const counts: Counts = { killed: 0, killedAfterAnswer: 0, faults: 0 };
  const accepted: Accepted[] = [];
  try {
    let begun = 0;
    let done = 0;
    const worker = async () => {
      while (begun < runs) {
        const run = begun;
        begun += 1;
        const given = { number: seed + run, older, accepted, counts };
        await crashOnce(bench, createRandom(seed + run), given);
        done += 1;
        progress(done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // An order that cannot be settled is a violation; the checker names it.
    await settle(bench, counts).catch(() => undefined);
    const stored = await readOrders(bench);
    const events = stored.reduce((sum, order) => sum + order.events.length, 0);
    await until(
      'every event on the topic',
      () => distinct(topic.records) >= events || undefined,
      30_000,
    )
      // A missing event is a violation, which the checker names.
      .catch(() => undefined);
    const found = violations(stored, topic.records, accepted);
    return {
      seed,
      runs,
      ...counts,
      accepted: accepted.length,
      orders: stored.length,
      records: topic.records.length,
      violations: found,
    };
  } finally {
    await topic.close();
    await bench.close();
  }
}

type Run = { number: number; older: string[]; accepted: Accepted[]; counts: Counts };

/** One order: callers place and move it, and repeat requests that got no answer. */
async function crashOnce(
  bench: OrderBench,
  random: Random,
  { number, older, accepted, counts }: Run,
): Promise<void> {
  const leaderless = leaderlessIn(number);
  const attempt = async (task: Task): Promise<Reply | undefined> => {
    for (let left = ATTEMPTS; left > 0; left -= 1) {
      const fault = left > 1 && random.chance(0.8) ? randomFault(random) : undefined;
      const relay = random.chance(0.25)
        ? send(bench, { do: 'relay' }, counts, { fault: randomFault(random), leaderless })
        : undefined;
      const layout = random.pick<TableLayout>([1, 2]);
      const answersFirst = random.chance(0.7);
      const conditions = { fault, leaderless, layout, answersFirst };
      const reply = await send(bench, task, counts, conditions);
      await relay;
      if (reply && reply.status > 0 && reply.status < 500) {
        note(reply, accepted);
        return reply;
      }
      if (random.chance(0.2)) return undefined;
    }
    return undefined;
  };

  const place = async (): Promise<string | undefined> => {
    const name = `run-${number}`;
    // Two instances at once must make a single order from one key.
    const twins = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () =>
      attempt({ do: 'create', customerId: name, key: name }),
    );
    const replies = await Promise.all(twins);
    return replies.find((reply) => reply?.body?.data?.id)?.body.data.id;
  };
  const id = random.chance(0.2) ? older[random.below(older.length)] : await place();
  if (!id) return;
  for (const status of random.pick(WAYS)) {
    if (random.chance(0.2)) {
      await Promise.all([
        attempt({ do: 'move', id, status }),
        attempt({ do: 'move', id, status: 'cancelled' }),
      ]);
    } else await attempt({ do: 'move', id, status });
  }
}

/** Equal for neighbouring runs, so that they see the same cluster. */
function leaderlessIn(run: number): Leaderless | undefined {
  const stretch = Math.floor(run / STRETCH);
  if (stretch % 2 === 0) return undefined;
  const answer = stretch % 4 === 1 ? 'refuses' : 'hangs';
  return { partition: stretch % PARTITIONS, answer };
}

function note({ status, body }: Reply, accepted: Accepted[]): void {
  if (status !== 200 && status !== 201) return;
  const { id, version, status: reached } = body.data;
  accepted.push({ id, version, status: reached });
}

function randomFault(random: Random): Fault {
  const service = random.pick<Fault['service']>(['kafka', 'dynamodb']);
  return {
    service,
    step: random.pick(['write', 'written', 'heard']),
    at: 1 + random.below(STEPS[service]),
    action: random.pick(['kill', 'kill', 'cut', 'hang', 'freeze']),
  };
}

type Conditions = {
  fault?: Fault | undefined;
  leaderless?: Leaderless | undefined;
  layout?: TableLayout;
  answersFirst?: boolean;
};

/** Starts a process for one piece of work. Undefined if it was killed before its answer. */
async function send(
  bench: OrderBench,
  task: Task,
  counts: Counts,
  { fault, leaderless, layout = 2, answersFirst = false }: Conditions = {},
): Promise<Reply | undefined> {
  const { brokers, dynamoEndpoint, table, topic } = bench;
  const errand: Errand = {
    ...{ task, brokers, dynamoEndpoint, table, layout, topic, answersFirst },
    ...(fault && { fault }),
    ...(leaderless && { leaderless }),
  };
  const child = fork(join(import.meta.dirname, 'victim.ts'), [JSON.stringify(errand)], {
    execArgv: [
      '--disable-warning=TimeoutNegativeWarning',
      '-r',
      join(import.meta.dirname, 'environment.cjs'),
    ],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  if (fault) counts.faults += 1;
  const timer = setTimeout(() => child.kill('SIGKILL'), LIFE_MS);
  let reply: Reply | undefined;
  child.on('message', (message) => {
    reply = message as Reply;
  });
  const signal = await new Promise((resolve) => child.on('close', (_, name) => resolve(name)));
  clearTimeout(timer);
  if (!reply) counts.killed += 1;
  else if (signal) counts.killedAfterAnswer += 1;
  return reply;
}

/** The relay without faults, until nothing is pending. */
async function settle(bench: OrderBench, counts: Counts): Promise<void> {
  await until(
    'the relay to publish everything',
    async () => {
      await send(bench, { do: 'relay' }, counts);
      return (await bench.repository.backlog.summary()).oldest === undefined || undefined;
    },
    120_000,
  );
}

function distinct(records: { value: string }[]): number {
  return new Set(records.map(({ value }) => JSON.parse(value).id)).size;
}
