import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientFolder } from '../../plugins/kafka-event-source/test/support/node-runtime/client.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { environmentOf } from '../support/system.ts';
import { type Lambda, startLambda } from './lambda.ts';
import { packageProd } from './package.ts';

type KafkaRecord = { partition: number; key: string; value: string; headers: object[] };

/** A span as OTLP writes it in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */
type Span = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  links?: { traceId: string; spanId: string }[];
  status: { code?: number };
};

const ERROR = 2;

let packaged: Awaited<ReturnType<typeof packageProd>>;
let bench: OrderBench;
let collector: Server;
let bodies: string[] = [];

beforeAll(async () => {
  await clientFolder();
  packaged = await packageProd();
  bench = await createOrderBench();
  collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (request.url === '/v1/traces') bodies.push(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
}, 120_000);

afterAll(async () => {
  collector?.close();
  await bench?.close();
  await packaged?.remove();
});

/** A server that reads, so that it sees the end of a connection, and never answers. */
const createHanging = () =>
  createTcpServer((socket) => socket.on('error', () => undefined).resume());

const addressOf = (server: { address(): unknown }) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Runs a packaged function that sends its spans to a collector of ours, for as long as `work` takes. */
async function using(
  key: string,
  changes: Record<string, string>,
  work: (lambda: Lambda) => Promise<void>,
): Promise<void> {
  const definition = packaged.functions.find((one) => one.key === key);
  if (!definition) throw new Error(`${key} is not in the template`);
  bodies = [];
  const lambda = await startLambda(definition, {
    ...environmentOf(bench),
    KAFKA_KIND: '',
    AUTH: 'off',
    OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(collector),
    OTEL_TRACES_SAMPLER_ARG: '1',
    ...changes,
  });
  try {
    await work(lambda);
  } finally {
    await lambda.stop();
  }
}

const spans = () =>
  bodies
    .flatMap((body) => JSON.parse(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap((scope): Span[] => scope.spans)
    .toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1));

/** The span of the only invocation; all of its spans have come when the answer has. */
function invocation(): Span {
  const found = spans().filter(({ name }) => name.startsWith('orders-prod-'));
  expect(found).toHaveLength(1);
  return found[0] as Span;
}

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const below = ({ spanId }: Span) => spans().filter(({ parentSpanId }) => parentSpanId === spanId);

const outline = (span: Span) => below(span).map(({ name }) => name);

const sample = async (name: string) =>
  JSON.parse(await readFile(join(ROOT, `events/${name}.json`), 'utf8'));

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('an order is one span of its trace, with the calls to DynamoDB and Kafka and nothing private', async () => {
  const event = await sample('createOrder');
  event.headers.traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  const calls = ['DynamoDB PutItem', 'Kafka', 'DynamoDB UpdateItem'];
  await using('createOrder', {}, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject({ answer: { statusCode: 201 } });
    const first = invocation();
    expect(first).toMatchObject({
      name: 'orders-prod-createOrder',
      traceId: TRACE,
      parentSpanId: '00f067aa0ba902b7',
    });
    expect(attributesOf(first)).toMatchObject({ 'faas.coldstart': true });
    expect(outline(first)).toEqual(calls);
    expect(attributesOf(below(first)[0] as Span)).toMatchObject({
      'rpc.service': 'DynamoDB',
      'rpc.method': 'PutItem',
      'http.response.status_code': 200,
    });
    expect(bodies.join()).toContain('{"key":"service.name","value":{"stringValue":"orders"}}');
    for (const secret of ['reader@example.org', '15550123', 'customer-1', 'book-42']) {
      expect(bodies.join()).not.toContain(secret);
    }
    expect(lambda.log()).not.toContain('traces');

    bodies = [];
    delete event.headers.traceparent;
    await lambda.invoke(event);
    const second = invocation();
    expect(outline(second)).toEqual(calls);
    expect(attributesOf(second)).toMatchObject({ 'faas.coldstart': false });
    expect(second.traceId).not.toBe(TRACE);
    expect(spans().map(({ traceId }) => traceId)).toEqual(Array(4).fill(second.traceId));
  });
});

test("the event of an order names the invocation's span, so that notify's goes on below it", async () => {
  const event = await sample('createOrder');
  await using('createOrder', {}, async (lambda) => {
    const outcome = await lambda.invoke(event);
    const order = JSON.parse(Object(outcome).answer.body).data;
    const { traceId, spanId } = invocation();
    const stored = await bench.repository.get(order.id);
    expect(stored?.events[0]?.headers.traceparent).toBe(`00-${traceId}-${spanId}-01`);
  });
});

test('a share of the traces is kept, and all that a caller keeps', async () => {
  const event = await sample('getOrder');
  await using('getOrder', { OTEL_TRACES_SAMPLER_ARG: '0' }, async (lambda) => {
    await lambda.invoke(event);
    expect(spans()).toEqual([]);
    event.headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
    await lambda.invoke(event);
    expect(invocation()).toMatchObject({ traceId: TRACE });
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

test('records under way at once are spans beside each other, each in the trace of its request', async () => {
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
  await using('notify', {}, async (lambda) => {
    await lambda.invoke(event);
  });
  const { traceId, spanId } = invocation();
  const records = spans().filter(({ name }) => name === 'record');
  expect(records.map((one) => one.traceId).toSorted()).toEqual(traces);
  for (const one of records) {
    expect(one).toMatchObject({ parentSpanId: '00f067aa0ba902b7', links: [{ traceId, spanId }] });
  }
  const [calls] = records.map(outline);
  expect(calls?.slice(0, 2)).toEqual(['DynamoDB GetItem', 'DynamoDB UpdateItem']);
  expect(calls).toHaveLength(6);
  expect(records.map(outline)).toEqual([calls, calls, calls]);
  expect(bodies.join()).not.toMatch(/example\.com|15550/);
});

test('a refusal is an error of the caller, an absent database a fault of ours, each by its code', async () => {
  const event = await sample('getOrder');
  await using('getOrder', {}, async (lambda) => {
    await lambda.invoke(event);
    const refused = invocation();
    expect(attributesOf(refused)).toMatchObject({
      'error.type': 'ORDER_NOT_FOUND',
      'http.response.status_code': 404,
    });
    expect(refused.status.code).not.toBe(ERROR);
  });
  await using('getOrder', { DYNAMODB_ENDPOINT: 'http://127.0.0.1:1' }, async (lambda) => {
    await lambda.invoke(event);
    const failed = invocation();
    expect(attributesOf(failed)).toMatchObject({ 'error.type': 'DATABASE_AWAY' });
    expect(failed.status).toEqual({ code: ERROR });
  });
});

test('a span that an invocation no longer waits for ends with it', async () => {
  const hanging = createHanging().listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  try {
    await using('health', { DYNAMODB_ENDPOINT: addressOf(hanging) }, async (lambda) => {
      await lambda.invoke(await sample('health'));
      const span = invocation();
      expect(span.name).toBe('orders-prod-health');
      const unfinished = below(span).filter((one) => attributesOf(one).unfinished === true);
      expect(unfinished.map(({ name }) => name)).toContain('DynamoDB Query');
    });
  } finally {
    hanging.close();
  }
});

test('without a collector an order is taken all the same, and a collector that is away is reported once', async () => {
  const event = await sample('createOrder');
  const accepted = { answer: { statusCode: 201 } };
  await using('createOrder', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(lambda.log()).not.toContain('traces');
    expect(spans()).toEqual([]);
  });
  const away = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  await using('createOrder', away, async (lambda) => {
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(await lambda.invoke(event)).toMatchObject(accepted);
    expect(lambda.log().split('traces not sent')).toHaveLength(2);
  });
});

test('a collector that hangs holds up an answer for 200 ms at most', async () => {
  const hanging = createHanging().listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  try {
    const event = await sample('createOrder');
    await using(
      'createOrder',
      { OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(hanging) },
      async (lambda) => {
        expect(await lambda.invoke(event)).toMatchObject({ answer: { statusCode: 201 } });
        expect(lambda.log()).toContain('not within 200 ms');
      },
    );
  } finally {
    hanging.close();
  }
});

test('a trace tells nothing of the text in which a provider names an address', async () => {
  const ses = createServer((request, response) => {
    response.writeHead(400, { 'x-amzn-errortype': 'MessageRejected' });
    request.resume().on('end', () => response.end('{"message":"ada@example.com is on the list"}'));
  }).listen(0, '127.0.0.1');
  await once(ses, 'listening');
  const changes = { NOTIFICATION_EMAIL: 'ses', AWS_ENDPOINT_URL_SESV2: addressOf(ses) };
  try {
    await using('notify', changes, async (lambda) => {
      await lambda.invoke(await sample('notify'));
      const asked = spans().find(({ name }) => name === 'SES') as Span;
      expect(asked.status).toEqual({ code: ERROR });
      expect(attributesOf(asked)).toMatchObject({ 'error.type': 'MessageRejected' });
      expect(bodies.join()).not.toMatch(/example\.com|15550/);
    });
  } finally {
    ses.close();
  }
});
