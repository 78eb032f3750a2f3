// The cost of placing an order: in-process, with a token and without, beside one bare write and one bare
// acknowledged send in the same run; the memory of the functions; one client through serverless-offline;
// and a minute of mixed requests by many.

// Imported first, so that the loggers and metrics of the other imports are silent.
import '../test/support/environment.ts';

import { parseArgs } from 'node:util';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { secondsOf, systemClock } from '../lib/clock.ts';
import { createCallers } from '../lib/identity/callers.ts';
import { recordsOf } from '../lib/order/outbox.ts';
import { orderKey } from '../lib/table.ts';
import { ownBackend } from '../test/support/backend.ts';
import { httpEvent, lambdaContext } from '../test/support/http.ts';
import { createOrderBench, type OrderBench } from '../test/support/orders.ts';
import { startOffline } from '../test/support/sls.ts';
import { environmentOf, post } from '../test/support/system.ts';
import { createSigner, customerClaims, SETTINGS } from '../test/support/tokens.ts';
import { differences, median, shuffled, table, timed } from './figures.ts';
import { load } from './orders/load.ts';
import { memoryOf } from './orders/memory.ts';

const HELP = `Usage: npm run bench:orders -- [--orders 500] [--clients 64] [--seconds 60]`;
const RATIO_GOAL = 1.3;
const TOKEN_GOAL_MS = 1;
/** The services compile what they run often: the first thousands of requests are slower. */
const WARM_UP = 1_000;

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '500' },
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});

type Addresses = Parameters<typeof createOrderBench>[0];

/** Each part has a table and topics of its own, so that no part publishes events of another. */
async function onOwnTable(addresses: Addresses, work: (bench: OrderBench) => Promise<void>) {
  const bench = await createOrderBench(addresses);
  try {
    await work(bench);
  } finally {
    await bench.close();
  }
}

/** A customer's token, and the check of it as the functions do it in prod. */
async function tokenOf(customerId: string, { dynamoEndpoint }: OrderBench) {
  const signer = await createSigner();
  const callers = createCallers({
    identity: {
      isDemanded: true,
      tokens: { ...SETTINGS, keys: { given: { keys: [signer.jwk] } } },
    },
    hashSecret: 'of-this-bench-alone',
    limits: { requestsPerMinute: undefined },
    dynamoEndpoint,
  });
  const exp = secondsOf(systemClock.now()) + 24 * 3600;
  const authorization = `Bearer ${await signer.sign(customerClaims({ sub: customerId, exp }))}`;
  return { callers, authorization };
}

/**
 * POST in-process with its steps, beside one bare write of the same item and one bare send of the same
 * record. The answer is what the function returns: the mark of the event comes after it, and has a line
 * of its own, as has a POST whose answer waits for it. Each round has them in another order: a write is slower while the broker still works on the
 * message that was sent just before it.
 */
async function compare(bench: OrderBench, count: number): Promise<void> {
  const { createHandler } = await import('../functions/createOrder/handler.ts');
  const times: Record<string, number[]> = {};
  const noted = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const answer = await work();
    const took = performance.now() - start;
    times[name] ??= [];
    times[name].push(took);
    return answer;
  };
  const { repository, producer } = bench;
  const deps = {
    ...bench,
    repository: {
      ...repository,
      insert: (order) => noted('  its write', () => repository.insert(order)),
      backlog: {
        ...repository.backlog,
        markPublished: (...of) =>
          noted('  its mark, after the answer', () => repository.backlog.markPublished(...of)),
      },
    },
    producer: { ...producer, send: (...of) => noted('  its send', () => producer.send(...of)) },
  } satisfies OrderBench;
  const { callers, authorization } = await tokenOf('c', bench);
  const demand: typeof callers.demand = (header) =>
    noted('  its check of the token', () => callers.demand(header));
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  let end: Promise<void> | undefined;
  const runOn = (until: Promise<void>) => {
    end = until;
  };
  const placing =
    (name: string, handler: ReturnType<typeof createHandler>, headers = {}) =>
    async () => {
      const event = httpEvent({ method: 'POST', path: '/api/orders', body, headers });
      const answer = await noted(name, () => handler(event, lambdaContext()));
      await end; // so that the mark disturbs no other measurement
      if (answer.statusCode !== 201) throw new Error(`POST answered ${answer.body}`);
      return String(answer.headers?.location).split('/').at(-1) ?? '';
    };
  const placeOrder = placing('POST /api/orders', createHandler({ ...deps, runOn }));
  const waiting = placing('POST that waits for its mark', createHandler(deps));
  const checking = createHandler({ ...deps, runOn, callers: { ...callers, demand } });
  const withToken = placing('POST with a token', checking, { authorization });
  const id = await placeOrder();
  const { Item: item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: orderKey(id) }),
  );
  if (!item) throw new Error('the order that was placed is not there');
  const stored = await bench.repository.get(id);
  const records = recordsOf(id, stored?.events ?? []);
  const put = () =>
    new PutCommand({
      TableName: bench.table,
      Item: { ...item, ...orderKey(crypto.randomUUID()) },
      ConditionExpression: 'attribute_not_exists(pk)',
    });
  const works = [
    placeOrder,
    waiting,
    withToken,
    () => noted('one bare PutItem', () => bench.dynamo.send(put())),
    () => noted('one bare acknowledged send', () => producer.send(bench.topic, records, 5_000)),
  ];
  for (let round = -WARM_UP; round < count; round += 1) {
    if (round === 0) for (const name of Object.keys(times)) times[name] = [];
    for (const work of shuffled(works)) await work();
  }
  const p50 = (name: string) => median(times[name] ?? []);
  const ratio =
    p50('POST /api/orders') / (p50('one bare PutItem') + p50('one bare acknowledged send'));
  const checks = differences(times['POST with a token'] ?? [], times['POST /api/orders'] ?? []);
  const order = [
    'POST /api/orders',
    'POST with a token',
    '  its check of the token',
    '  its write',
    '  its send',
    '  its mark, after the answer',
    'POST that waits for its mark',
  ];
  const names = [...order, 'one bare PutItem', 'one bare acknowledged send'];
  console.log(
    table(
      ['in-process', 'p50 ms'],
      [
        ...names.map((name) => [name, p50(name).toFixed(2)]),
        ['POST / (PutItem + send)', `${ratio.toFixed(2)} (goal: at most ${RATIO_GOAL})`],
        ['the token, by pairs', `${median(checks).toFixed(2)} (goal: at most ${TOKEN_GOAL_MS})`],
      ],
    ),
  );
}

/** One client that waits for each answer; serverless-offline's log has the time of the function itself. */
async function alone(bench: OrderBench): Promise<void> {
  const offline = await startOffline(environmentOf(bench));
  try {
    for (let count = 0; count < WARM_UP; count += 1) await post(offline.url);
    const before = offline.printed().length;
    const whole: number[] = [];
    for (let count = 0; count < 100; count += 1) whole.push(await timed(() => post(offline.url)));
    const lines = offline.printed().slice(before);
    const inside = [...lines.matchAll(/\(λ: createOrder\).*Duration: ([\d.]+) ms {2}Billed/g)];
    const function50 = median(inside.map(([, ms]) => Number(ms)));
    const [whole50, outside] = [median(whole), median(whole) - function50];
    console.log(
      `\nPOST by one client through serverless-offline, notify at work beside it: p50 ${whole50.toFixed(1)} ms, ` +
        `${function50.toFixed(1)} of it in the function's thread, ${outside.toFixed(1)} in serverless-offline and HTTP`,
    );
  } finally {
    await offline.stop();
  }
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const { backend, addresses } = await ownBackend('bench');
  try {
    await onOwnTable(addresses, (bench) => compare(bench, Number(values.orders)));
    await onOwnTable(addresses, memoryOf);
    await onOwnTable(addresses, alone);
    const [clients, seconds] = [Number(values.clients), Number(values.seconds)];
    if (seconds > 0) await onOwnTable(addresses, (bench) => load(bench, clients, seconds));
  } finally {
    await backend.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
