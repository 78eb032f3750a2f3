import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { environmentOf } from '../support/system.ts';
import { until } from '../support/until.ts';
import { clientFolder } from './client.ts';
import { startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

const LAYER = 'arn:aws:lambda:us-east-1:111122223333:layer:powertools:1';

type KafkaRecord = { partition: number; key: string; value: string; headers: object[] };

/** What the daemon hears of a part: each for itself, when it has ended. */
type Part = {
  id: string;
  parent_id: string;
  name: string;
  start_time: number;
  annotations?: Record<string, unknown>;
  aws?: { operation?: string };
};

let packaged: Awaited<ReturnType<typeof packageProd>>;
let bench: OrderBench;
let daemon: Socket;
let datagrams: string[] = [];

beforeAll(async () => {
  await clientFolder();
  packaged = await packageProd({ TRACER_LAYER_ARN: LAYER });
  bench = await createOrderBench();
  daemon = createSocket('udp4').bind(0, '127.0.0.1');
  await once(daemon, 'listening');
  daemon.on('message', (datagram) => datagrams.push(datagram.toString()));
}, 120_000);

afterAll(async () => {
  daemon?.close();
  await bench?.close();
  await packaged?.remove();
});

/** What a packaged function answers, tells X-Ray's daemon and logs of one invocation. */
async function invoke(key: string, event: unknown, changes: Record<string, string> = {}) {
  const definition = packaged.functions.find((one) => one.key === key);
  if (!definition) throw new Error(`${key} is not in the template`);
  datagrams = [];
  const lambda = await startLambda(definition, {
    ...environmentOf(bench),
    KAFKA_KIND: '',
    NOTIFICATION_EMAIL: 'mock',
    NOTIFICATION_SMS: 'mock',
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    ...changes,
  });
  try {
    const outcome = await lambda.invoke(event);
    return { outcome, log: lambda.log() };
  } finally {
    await lambda.stop();
  }
}

const parts = () =>
  datagrams
    // A line that says how to read what follows, and the part.
    .map((datagram): Part => JSON.parse(datagram.slice(datagram.indexOf('\n') + 1)))
    .toSorted((a, b) => a.start_time - b.start_time);

/** The part of the invocation, once the daemon has heard of so many below it and its parts. */
function invocation(others: number): Promise<Part> {
  return until(`${others} parts and the one of the invocation`, () => {
    const all = parts();
    return all.length > others ? all.find(({ name }) => name.startsWith('## ')) : undefined;
  });
}

/** Nothing has come before a datagram of our own that comes after it. */
async function silence(): Promise<void> {
  const socket = createSocket('udp4');
  socket.send('marker', daemon.address().port, '127.0.0.1');
  await until('the marker', () => datagrams.includes('marker') || undefined);
  socket.close();
  expect(datagrams).toEqual(['marker']);
}

const below = ({ id }: Part) => parts().filter(({ parent_id }) => parent_id === id);

const outline = (part: Part) =>
  below(part).map(({ name, aws }) => [name, aws?.operation].filter(Boolean).join(' '));

const sample = async (name: string) =>
  JSON.parse(await readFile(join(ROOT, `events/${name}.json`), 'utf8'));

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('an order is one part of its trace, with the calls to DynamoDB and Kafka and nothing private', async () => {
  const event = await sample('createOrder');
  event.headers.traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  const { outcome, log } = await invoke('createOrder', event);
  expect(outcome).toMatchObject({ answer: { statusCode: 201 } });
  const part = await invocation(3);
  expect(part).toMatchObject({
    name: '## orders-prod-createOrder',
    trace_id: '1-5759e988-bd862e3fe1be46a994272793',
    annotations: { ColdStart: true, Service: 'orders', traceId: TRACE },
  });
  expect(outline(part)).toEqual(['DynamoDB PutItem', 'Kafka', 'DynamoDB UpdateItem']);
  for (const secret of ['reader@example.org', '15550123', 'customer-1', 'book-42']) {
    expect(datagrams.join()).not.toContain(secret);
  }
  expect(log).not.toContain('no tracer');
});

/** The sample's record once more, of another order with another trace. */
function another(record: KafkaRecord, trace: string): KafkaRecord {
  const value = JSON.parse(Buffer.from(record.value, 'base64').toString());
  const orderId = randomUUID();
  const data = { ...value.data, orderId };
  const changed = JSON.stringify({ ...value, id: randomUUID(), data });
  return {
    ...record,
    partition: record.partition + 1,
    key: Buffer.from(orderId).toString('base64'),
    value: Buffer.from(changed).toString('base64'),
    headers: [{ traceparent: [...Buffer.from(`00-${trace}-00f067aa0ba902b7-01`)] }],
  };
}

test('records under way at once are parts beside each other, each with the trace of its request', async () => {
  const event = await sample('notify');
  const [record]: KafkaRecord[] = Object.values<KafkaRecord[]>(event.records).flat();
  if (!record) throw new Error('the sample has no record');
  const traces = ['1', '2', '3'].map((digit) => digit.repeat(32));
  event.records = Object.fromEntries(
    traces.map((trace, n) => [
      `order-events-${n}`,
      [another({ ...record, partition: n - 1 }, trace)],
    ]),
  );
  await invoke('notify', event);
  const records = below(await invocation(3 + 3 * 6));
  const named = records.map(({ name, annotations }) => `${name} ${annotations?.traceId}`);
  expect(named.toSorted()).toEqual(traces.map((trace) => `record ${trace}`));
  const [calls] = records.map(outline);
  expect(calls?.slice(0, 2)).toEqual(['DynamoDB GetItem', 'DynamoDB UpdateItem']);
  expect(records.map(outline)).toEqual([calls, calls, calls]);
  expect(datagrams.join()).not.toMatch(/example\.com|15550/);
});

test('a refusal is an error of the caller, an absent database a fault of ours, each by its code', async () => {
  await invoke('getOrder', await sample('getOrder'));
  const refused = await invocation(1);
  expect(refused).toMatchObject({ error: true, annotations: { errorCode: 'ORDER_NOT_FOUND' } });
  expect(refused).not.toHaveProperty('fault');
  await invoke('getOrder', await sample('getOrder'), { DYNAMODB_ENDPOINT: 'http://127.0.0.1:1' });
  expect(await invocation(1)).toMatchObject({
    fault: true,
    annotations: { errorCode: 'DATABASE_AWAY' },
  });
});

test('without the layer an order is taken all the same, and a layer without the tracer is told', async () => {
  const event = await sample('createOrder');
  const without = await invoke('createOrder', event, { TRACER_LAYER_ARN: '' });
  expect(without.outcome).toMatchObject({ answer: { statusCode: 201 } });
  expect(without.log).not.toContain('no tracer');
  await silence();
  const wrong = await invoke('createOrder', event, { NODE_PATH: '' });
  expect(wrong.outcome).toMatchObject({ answer: { statusCode: 201 } });
  expect(wrong.log).toContain('no tracer');
  await silence();
});

test('what a provider says of an address is not told to X-Ray', async () => {
  const ses = createServer((request, response) => {
    response.writeHead(400, { 'x-amzn-errortype': 'MessageRejected' });
    request.resume().on('end', () => response.end('{"message":"ada@example.com is on the list"}'));
  }).listen(0, '127.0.0.1');
  await once(ses, 'listening');
  try {
    await invoke('notify', await sample('notify'), {
      NOTIFICATION_EMAIL: 'ses',
      AWS_ENDPOINT_URL_SESV2: `http://127.0.0.1:${(ses.address() as AddressInfo).port}`,
    });
  } finally {
    ses.close();
  }
  const [record] = below(await invocation(5));
  const asked = record && below(record).find(({ name }) => name === 'SES');
  expect(asked).toMatchObject({ fault: true, annotations: { errorCode: 'MessageRejected' } });
  expect(datagrams.join()).not.toMatch(/example\.com|15550/);
});
