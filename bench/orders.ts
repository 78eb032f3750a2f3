// What placing an order costs: in-process, beside one bare write and one bare acknowledged send in the
// same run; and a minute of mixed requests by many clients through serverless-offline.
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { startBackend } from '../local/backend.ts';
import { supervise } from '../local/supervise.ts';
import { readOrders, violations } from '../test/crash/checker.ts';
import { call } from '../test/support/http.ts';
import { createOrderBench, type OrderBench } from '../test/support/orders.ts';
import { freePorts } from '../test/support/ports.ts';
import { startOffline } from '../test/support/sls.ts';
import { environmentOf, post } from '../test/support/system.ts';
import { readTopic } from '../test/support/topic.ts';
import { until } from '../test/support/until.ts';
import { median, quantile, table, timed } from './figures.ts';

const HELP = `Usage: npm run bench:orders -- [--orders 500] [--clients 64] [--seconds 60]`;
const RATIO_GOAL = 2;

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '500' },
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});

/** POST in-process, a bare write and a bare send, in turn. */
async function compare(bench: OrderBench, count: number): Promise<number> {
  const { createHandler } = await import('../functions/createOrder/handler.ts');
  const handler = createHandler(bench);
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  const value = 'x'.repeat(500);
  const work = {
    post: () => call(handler, { method: 'POST', path: '/api/orders', body }),
    write: () => {
      const pk = `BARE#${crypto.randomUUID()}`;
      return bench.dynamo.send(
        new PutCommand({
          TableName: bench.table,
          Item: { pk, sk: 'BARE', value },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    },
    send: () => bench.producer.send(bench.topic, [{ key: 'bare', value }], 5_000),
  };
  const times = { post: [] as number[], write: [] as number[], send: [] as number[] };
  for (let round = -20; round < count; round += 1) {
    for (const name of ['post', 'write', 'send'] as const) {
      const milliseconds = await timed(work[name]);
      if (round >= 0) times[name].push(milliseconds);
    }
  }
  const [posted, write, send] = [median(times.post), median(times.write), median(times.send)];
  const ratio = posted / (write + send);
  console.log(
    table(
      ['in-process', 'p50 ms'],
      [
        ['POST /api/orders', posted.toFixed(2)],
        ['one bare PutItem', write.toFixed(2)],
        ['one bare acknowledged send', send.toFixed(2)],
        ['POST / (PutItem + send)', `${ratio.toFixed(2)} (goal: at most ${RATIO_GOAL})`],
      ],
    ),
  );
  return posted;
}

type Outcome = { kind: string; status: number; milliseconds: number };

async function request(kind: string, url: string, init: RequestInit = {}): Promise<Outcome> {
  const start = performance.now();
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  await answer.arrayBuffer();
  return { kind, status: answer.status, milliseconds: performance.now() - start };
}

/** One client: it places orders, reads them, lists them and moves them on, until the time is over. */
async function client(
  url: string,
  name: string,
  end: number,
  outcomes: Outcome[],
  ids: Set<string>,
) {
  while (Date.now() < end) {
    const { body, status, milliseconds } = await post(url, { customerId: name });
    outcomes.push({ kind: 'create', status, milliseconds });
    const id = body.data?.id;
    if (!id) continue;
    ids.add(id);
    outcomes.push(await request('read', `${url}/api/orders/${id}`));
    outcomes.push(await request('list', `${url}/api/orders/customer/${name}?limit=5`));
    const init = {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'confirmed' }),
    };
    outcomes.push(await request('update', `${url}/api/orders/${id}/status`, init));
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

async function load(bench: OrderBench, clients: number, seconds: number): Promise<void> {
  const offline = await startOffline(environmentOf(bench));
  const topic = await readTopic(bench.brokers, bench.topic);
  const outcomes: Outcome[] = [];
  const ids = new Set<string>();
  const memory: number[] = [];
  const sample = setInterval(async () => {
    if (offline.pid) memory.push(await residentMegabytes(offline.pid).catch(() => Number.NaN));
  }, 1_000);
  try {
    const end = Date.now() + seconds * 1_000;
    const all = Array.from({ length: clients }, (_, i) =>
      client(offline.url, `c-${i}`, end, outcomes, ids),
    );
    await Promise.all(all);
    await until(
      'nothing to be pending',
      async () => (await bench.repository.backlog()).oldest === undefined || undefined,
      180_000,
    );
    const stored = (await readOrders(bench)).filter(({ id }) => ids.has(id));
    const events = stored.reduce((sum, order) => sum + order.events.length, 0);
    await until(
      'all events',
      () =>
        new Set(
          topic.records.filter(({ key }) => ids.has(key)).map(({ value }) => JSON.parse(value).id),
        ).size >= events || undefined,
      60_000,
    );
    const found = violations(
      stored,
      topic.records.filter(({ key }) => ids.has(key)),
      [],
    );
    const kinds = ['create', 'read', 'list', 'update'];
    console.log(`\n${clients} clients for ${seconds} s through serverless-offline`);
    console.log(
      table(
        ['request', 'count', 'p50 ms', 'p99 ms', '5xx'],
        kinds.map((kind) => {
          const own = outcomes.filter((outcome) => outcome.kind === kind);
          const times = own.map(({ milliseconds }) => milliseconds);
          const bad = own.filter(({ status }) => status >= 500).length;
          return [
            kind,
            own.length,
            median(times).toFixed(1),
            quantile(times, 0.99).toFixed(1),
            bad,
          ];
        }),
      ),
    );
    console.log(
      `${ids.size} orders answered, ${stored.length} stored, violations: ${found.length}`,
    );
    const at = (share: number) => memory[Math.floor((memory.length - 1) * share)];
    console.log(
      `resident MB of serverless-offline at 10, 50 and 100 % of the time: ${at(0.1)}, ${at(0.5)}, ${at(1)}`,
    );
    if (
      found.length > 0 ||
      stored.length !== ids.size ||
      outcomes.some(({ status }) => status >= 500)
    ) {
      console.error(found.slice(0, 10).join('\n'));
      process.exitCode = 1;
    }
  } finally {
    clearInterval(sample);
    await topic.close();
    await offline.stop();
  }
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  await import('../test/support/environment.ts');
  const directory = await mkdtemp(join(tmpdir(), 'orders-bench-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const backend = await startBackend({
    directory,
    kafkaPort,
    dynamoPort,
    supervisor,
    say: console.log,
  });
  const addresses = { brokers: [backend.kafkaBrokers], dynamoEndpoint: backend.dynamoEndpoint };
  const bench = await createOrderBench(addresses);
  try {
    const inProcess = await compare(bench, Number(values.orders));
    const offline = await startOffline(environmentOf(bench));
    const times: number[] = [];
    for (let count = 0; count < 100; count += 1) times.push((await post(offline.url)).milliseconds);
    await offline.stop();
    const over = median(times);
    console.log(
      `\nPOST by one client through serverless-offline: p50 ${over.toFixed(2)} ms, ` +
        `of which serverless-offline and HTTP ${(over - inProcess).toFixed(2)} ms`,
    );
    if (Number(values.seconds) > 0)
      await load(bench, Number(values.clients), Number(values.seconds));
  } finally {
    await bench.close();
    await backend.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
