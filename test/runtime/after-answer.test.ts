// An instance that marks the event of an order after the answer: Lambda lets it run on until the mark.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { relayPending } from '../../lib/order/relay.ts';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { environmentOf } from '../support/system.ts';
import { readTopic } from '../support/topic.ts';
import { until } from '../support/until.ts';
import { type Lambda, startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

type Mark = 'passes' | 'is held' | 'fails';

let packaged: Awaited<ReturnType<typeof packageProd>>;
let bench: OrderBench;
let topic: Awaited<ReturnType<typeof readTopic>>;
let event: unknown;
let proxy: Server;
let mark: Mark;
let held: (() => void)[];

beforeAll(async () => {
  await clientFolder();
  packaged = await packageProd();
  bench = await createOrderBench();
  topic = await readTopic(bench.brokers, bench.topic);
  event = JSON.parse(await readFile(join(ROOT, 'events/createOrder.json'), 'utf8'));
  proxy = startProxy(bench.dynamoEndpoint);
  await once(proxy, 'listening');
}, 120_000);

beforeEach(() => {
  mark = 'passes';
  held = [];
});

afterEach(() => release());

afterAll(async () => {
  proxy?.closeAllConnections();
  proxy?.close();
  await topic?.close();
  await bench?.close();
  await packaged?.remove();
});

/** Stands before DynamoDB. A new order is one PutItem, and the mark of its event one UpdateItem. */
function startProxy(endpoint: string): Server {
  const { hostname, port } = new URL(endpoint);
  return createServer(async (incoming, response) => {
    const isMark = String(incoming.headers['x-amz-target']).endsWith('.UpdateItem');
    if (isMark && mark === 'is held') await new Promise<void>((resolve) => held.push(resolve));
    if (isMark && mark === 'fails') {
      incoming.resume();
      response.writeHead(503).end();
      return;
    }
    const { method, headers, url: path } = incoming;
    const forwarded = request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
}

function release(): void {
  mark = 'passes';
  for (const resolve of held.splice(0)) resolve();
}

async function using(
  work: (lambda: Lambda) => Promise<void>,
  options: Parameters<typeof startLambda>[3] = {},
): Promise<void> {
  const definition = packaged.functions.find(({ key }) => key === 'createOrder');
  if (!definition) throw new Error('createOrder is not in the template');
  const changes = {
    ...environmentOf(bench),
    DYNAMODB_ENDPOINT: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    KAFKA_KIND: '',
    AUTH: 'off',
    POWERTOOLS_METRICS_DISABLED: 'false',
  };
  const lambda = await startLambda(definition, changes, undefined, options);
  try {
    await published(lambda); // the first order may come before the connection to Kafka
    await work(lambda);
  } finally {
    await lambda.stop();
  }
}

/** Asks for orders until one is published and marked. */
async function published(lambda: Lambda): Promise<string> {
  return until('an order that is published at once', async () => {
    const id = orderIn(await lambda.invoke(event));
    return (await isMarked(id)) ? id : undefined;
  });
}

function orderIn(outcome: unknown): string {
  const { statusCode, body } = Object(outcome).answer;
  expect(statusCode).toBe(201);
  return JSON.parse(body).data.id;
}

async function isMarked(id: string): Promise<boolean> {
  const stored = await bench.repository.get(id);
  return stored?.events[0]?.publishedAt !== undefined;
}

const publicationsOf = (id: string) => topic.records.filter(({ key }) => key === id).length;

const marksHeld = () => until('the mark', async () => held.length > 0 || undefined);

/** The relay of a minute later. */
const relay = () => {
  const clock = { now: () => new Date(Date.now() + 60_000) };
  return relayPending({ ...bench, clock }, () => 50_000);
};

/** The lines of the log, and the metrics. */
function linesOf(log: string): Record<string, unknown>[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

test('the answer comes before the mark, and the freeze after it', async () => {
  await using(async (lambda) => {
    mark = 'is held';
    const id = orderIn(await lambda.ask(event));
    await marksHeld();
    expect([lambda.isIdle(), await isMarked(id)]).toEqual([false, false]);
    release();
    await lambda.idle();
    lambda.freeze();
    expect(await isMarked(id)).toBe(true);
    lambda.thaw();
    const next = await published(lambda);
    const lines = linesOf(lambda.log()).map((line) =>
      '_aws' in line ? [line.OrdersCreated, line.EventsPublished] : line.orderId,
    );
    const at = lines.indexOf(id);
    expect(lines.slice(at, at + 3)).toEqual([id, [1, 1], expect.any(String)]);
    expect([publicationsOf(id), publicationsOf(next)]).toEqual([1, 1]);
  });
});

test.each(['fails', 'is held'] as const)(
  'a mark that %s leaves its event to the relay, and the next invocation is as always',
  async (how) => {
    await using(async (lambda) => {
      mark = how;
      const id = orderIn(await lambda.ask(event));
      await lambda.idle(); // a mark that is held ends at its time limit, before its third try
      expect(held.length).toBeLessThan(3);
      mark = 'passes'; // those that are held stay so
      lambda.freeze();
      expect(await isMarked(id)).toBe(false);
      lambda.thaw();
      const next = await published(lambda);
      const [, ...left] = linesOf(lambda.log()).filter(({ orderId }) => orderId === id);
      expect(left).toEqual([expect.objectContaining({ code: 'DATABASE_AWAY' })]);
      await relay();
      expect(await isMarked(id)).toBe(true);
      await until('the repetition', async () => publicationsOf(id) > 1 || undefined);
      expect([publicationsOf(id), publicationsOf(next)]).toEqual([2, 1]);
    });
  },
  60_000,
);

test('an instance that dies between answer and mark loses no event', async () => {
  await using(async (lambda) => {
    mark = 'is held';
    const id = orderIn(await lambda.ask(event));
    await marksHeld();
    await lambda.die();
    mark = 'passes';
    expect(await isMarked(id)).toBe(false);
    await relay();
    await until('the repetition', async () => publicationsOf(id) > 1 || undefined);
    expect([await isMarked(id), publicationsOf(id)]).toEqual([true, 2]);
  });
});

test.each([
  ['refuses the extension', false],
  ['takes the extension late', 'late'],
] as const)('where Lambda %s, the answer waits for the mark', async (_, takesExtensions) => {
  await using(
    async (lambda) => {
      expect(lambda.log()).toContain('Lambda takes no extension');
      mark = 'is held';
      const answer = lambda.ask(event);
      await marksHeld();
      const early = await Promise.race([answer, Promise.resolve('no answer yet')]);
      expect(early).toBe('no answer yet');
      release();
      expect(await isMarked(orderIn(await answer))).toBe(true);
      await lambda.idle();
      lambda.freeze();
      lambda.thaw();
      await published(lambda);
    },
    { takesExtensions },
  );
});
