import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { environmentOf } from '../support/system.ts';
import { until } from '../support/until.ts';
import { clientFolder } from './client.ts';
import { type Lambda, startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

const LAYER = 'arn:aws:lambda:us-east-1:111122223333:layer:powertools:1';

type KafkaRecord = { partition: number; key: string; value: string; headers: object[] };

/** What the daemon hears of a part: each for itself, when it has ended. */
type Part = {
  id: string;
  parent_id: string;
  trace_id: string;
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

/** Runs a packaged function that tells its parts to a daemon of ours, for as long as `work` takes. */
async function using(
  key: string,
  changes: Record<string, string>,
  work: (lambda: Lambda) => Promise<void>,
): Promise<void> {
  const definition = packaged.functions.find((one) => one.key === key);
  if (!definition) throw new Error(`${key} is not in the template`);
  datagrams = [];
  const lambda = await startLambda(definition, {
    ...environmentOf(bench),
    KAFKA_KIND: '',
    AUTH: 'off',
    NOTIFICATION_EMAIL: 'mock',
    NOTIFICATION_SMS: 'mock',
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    ...changes,
  });
  try {
    await work(lambda);
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

/** After two invocations nothing has come before a datagram of our own. */
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
  await using('createOrder', {}, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject({ answer: { statusCode: 201 } });
    const part = await invocation(3);
    expect(part).toMatchObject({
      name: '## orders-prod-createOrder',
      annotations: { ColdStart: true, Service: 'orders', traceId: TRACE },
    });
    expect(outline(part)).toEqual(['DynamoDB PutItem', 'Kafka', 'DynamoDB UpdateItem']);
    for (const secret of ['reader@example.org', '15550123', 'customer-1', 'book-42']) {
      expect(datagrams.join()).not.toContain(secret);
    }
    expect(lambda.log()).not.toContain('no tracer');

    datagrams = [];
    await lambda.invoke(event);
    const second = await invocation(3);
    expect(outline(second)).toEqual(['DynamoDB PutItem', 'Kafka', 'DynamoDB UpdateItem']);
    expect(second.annotations).toMatchObject({ ColdStart: false });
    expect(second.trace_id).not.toBe(part.trace_id);
    expect(parts().map(({ trace_id }) => trace_id)).toEqual(Array(4).fill(second.trace_id));
  });
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
  let records: Part[] = [];
  await using('notify', {}, async (lambda) => {
    await lambda.invoke(event);
    records = below(await invocation(3 + 3 * 6));
  });
  const named = records.map(({ name, annotations }) => `${name} ${annotations?.traceId}`);
  expect(named.toSorted()).toEqual(traces.map((trace) => `record ${trace}`));
  const [calls] = records.map(outline);
  expect(calls?.slice(0, 2)).toEqual(['DynamoDB GetItem', 'DynamoDB UpdateItem']);
  expect(records.map(outline)).toEqual([calls, calls, calls]);
  expect(datagrams.join()).not.toMatch(/example\.com|15550/);
});

test('a refusal is an error of the caller, an absent database a fault of ours, each by its code', async () => {
  const event = await sample('getOrder');
  await using('getOrder', {}, async (lambda) => {
    await lambda.invoke(event);
    const refused = await invocation(1);
    expect(refused).toMatchObject({ error: true, annotations: { errorCode: 'ORDER_NOT_FOUND' } });
    expect(refused).not.toHaveProperty('fault');
  });
  await using('getOrder', { DYNAMODB_ENDPOINT: 'http://127.0.0.1:1' }, async (lambda) => {
    await lambda.invoke(event);
    const annotations = { errorCode: 'DATABASE_AWAY' };
    expect(await invocation(1)).toMatchObject({ fault: true, annotations });
  });
});

test('what an invocation no longer waits for ends with it', async () => {
  const hanging = createTcpServer(() => undefined).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as AddressInfo;
  const endpoint = { DYNAMODB_ENDPOINT: `http://127.0.0.1:${port}` };
  try {
    await using('health', endpoint, async (lambda) => {
      await lambda.invoke(await sample('health'));
      const part = await invocation(1);
      expect(part.name).toBe('## orders-prod-health');
      expect(below(part)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ name: 'DynamoDB', annotations: { unfinished: true } }),
        ]),
      );
    });
  } finally {
    hanging.close();
  }
});

test('without the layer an order is taken all the same, and a layer without the tracer is told', async () => {
  const event = await sample('createOrder');
  const accepted = { answer: { statusCode: 201 } };
  await using('createOrder', { TRACER_LAYER_ARN: '' }, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(lambda.log()).not.toContain('no tracer');
    await silence();
  });
  await using('createOrder', { NODE_PATH: '' }, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(lambda.log()).toContain('no tracer');
    await silence();
  });
});

test('what a provider says of an address is not told to X-Ray', async () => {
  const ses = createServer((request, response) => {
    response.writeHead(400, { 'x-amzn-errortype': 'MessageRejected' });
    request.resume().on('end', () => response.end('{"message":"ada@example.com is on the list"}'));
  }).listen(0, '127.0.0.1');
  await once(ses, 'listening');
  const changes = {
    NOTIFICATION_EMAIL: 'ses',
    AWS_ENDPOINT_URL_SESV2: `http://127.0.0.1:${(ses.address() as AddressInfo).port}`,
  };
  try {
    await using('notify', changes, async (lambda) => {
      await lambda.invoke(await sample('notify'));
      const [record] = below(await invocation(5));
      const asked = record && below(record).find(({ name }) => name === 'SES');
      expect(asked).toMatchObject({ fault: true, annotations: { errorCode: 'MessageRejected' } });
      expect(datagrams.join()).not.toMatch(/example\.com|15550/);
    });
  } finally {
    ses.close();
  }
});
