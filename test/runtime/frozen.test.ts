import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { startSlowKafka } from '../support/slow-kafka.ts';
import { environmentOf } from '../support/system.ts';
import { until } from '../support/until.ts';
import { startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

/** A freeze that is longer than any wait for Kafka: a timer that counts it is over at the thaw. */
const FREEZE_MS = 3_500;

let packaged: Awaited<ReturnType<typeof packageProd>>;
let bench: OrderBench;
let order: unknown;

beforeAll(async () => {
  await clientFolder();
  packaged = await packageProd();
  bench = await createOrderBench();
  order = JSON.parse(await readFile(join(ROOT, 'events/createOrder.json'), 'utf8'));
}, 120_000);

afterAll(async () => {
  await bench?.close();
  await packaged?.remove();
});

type Changes = Record<string, string>;

/** createOrder as Lambda runs it: frozen after every answer. */
async function startFrozen(changes: Changes) {
  const definition = packaged.functions.find(({ key }) => key === 'createOrder');
  if (!definition) throw new Error('createOrder is not in the template');
  const environment = { ...environmentOf(bench), AUTH: 'off', KAFKA_KIND: '', ...changes };
  const lambda = await startLambda(definition, environment);
  return {
    stop: lambda.stop,
    log: lambda.log,
    /** Places an order, and answers whether its event was published at once. */
    async place(): Promise<boolean> {
      lambda.thaw();
      // Again when the table of a busy machine does not answer in time.
      const answer = await until('an order', async () => {
        const outcome = await lambda.invoke(order);
        const { answer } = outcome as { answer: { statusCode: number; body: string } };
        return answer.statusCode === 503 ? undefined : answer;
      });
      lambda.freeze();
      const { success, data } = JSON.parse(answer.body);
      expect(success).toBe(true);
      const stored = await bench.repository.get(data.id);
      await pause(FREEZE_MS);
      return stored?.events[0]?.publishedAt !== undefined;
    },
  };
}

async function placeMany(lambda: Awaited<ReturnType<typeof startFrozen>>, count: number) {
  const published: boolean[] = [];
  for (let i = 0; i < count; i += 1) published.push(await lambda.place());
  return published;
}

const ALL = [true, true, true];

test.concurrent.each([100, 250, 450, 600])(
  'a function that is frozen between requests publishes itself although Kafka takes %d ms to answer',
  async (delayMs) => {
    const kafka = await startSlowKafka(bench.brokers.join(), delayMs);
    const lambda = await startFrozen({ KAFKA_BROKERS: kafka.brokers });
    try {
      const published = await placeMany(lambda, 6);
      expect([published, kafka.opened()]).toEqual([
        expect.arrayContaining(ALL),
        1, // a connection that was opening at the freeze goes on after it
      ]);
      expect(published.slice(-3)).toEqual(ALL);
    } finally {
      await lambda.stop();
      kafka.close();
    }
  },
  120_000,
);

test.concurrent.each(['cut', 'fallSilent'] as const)(
  'a connection that dies during a freeze (%s) is followed by another',
  async (death) => {
    const kafka = await startSlowKafka(bench.brokers.join(), 250);
    const lambda = await startFrozen({ KAFKA_BROKERS: kafka.brokers });
    try {
      expect((await placeMany(lambda, 4)).at(-1)).toBe(true);
      kafka[death]();
      const published = await placeMany(lambda, 5);
      expect(published.slice(-2)).toEqual([true, true]);
      expect(kafka.opened()).toBe(2);
    } finally {
      await lambda.stop();
      kafka.close();
    }
  },
  120_000,
);

test.concurrent('a secret that takes longer than a request is read once, and the sign-in begins', async () => {
  let [secrets, signIns] = [0, 0];
  const secret = { username: 'u', password: 'p' };
  const manager = createHttpServer((request, response) => {
    secrets += 1;
    const answer = JSON.stringify({ SecretString: JSON.stringify(secret) });
    request.resume().on('end', () => setTimeout(() => response.end(answer), 1_000));
  }).listen(0, '127.0.0.1');
  const broker = createTcpServer((socket) => {
    signIns += 1;
    socket.on('error', () => undefined).resume(); // Reads, so that it sees the end.
  }).listen(0, '127.0.0.1');
  await Promise.all([once(manager, 'listening'), once(broker, 'listening')]);
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  const lambda = await startFrozen({
    KAFKA_KIND: 'self-managed-scram',
    KAFKA_BROKERS: `127.0.0.1:${portOf(broker)}`,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${portOf(manager)}`,
  });
  try {
    expect(await placeMany(lambda, 2)).toEqual([false, false]);
    expect([secrets, signIns]).toEqual([1, 1]);
  } finally {
    await lambda.stop();
    manager.close();
    broker.close();
  }
}, 120_000);
