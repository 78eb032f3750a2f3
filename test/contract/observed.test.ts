import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { OutgoingRecord } from '../../lib/kafka/producer.ts';
import { logger } from '../../lib/logger.ts';
import type { Repository } from '../../lib/order/repository.ts';
import { callersOf } from '../support/callers.ts';
import { call, lambdaContext } from '../support/http.ts';
import { forgetfulLedger } from '../support/ledger.ts';
import { capture } from '../support/printed.ts';
import { untouched } from '../support/untouched.ts';

// Read when lib/metrics.ts is loaded, so before the handlers are.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
const createOrder = await import('../../functions/createOrder/handler.ts');
const notify = await import('../../functions/notify/handler.ts');
const { createRecipientOf } = await import('../../lib/notification/preferences/recipient.ts');
const { CHANNELS } = await import('../../lib/notification/channels/channels.ts');
const { METRICS } = await import('../../lib/metrics.ts');

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CONTACT = { email: 'ada.lovelace@example.com', phone: '+15550123' };
const clock = { now: () => new Date('2026-11-23T10:00:00.000Z') };

type Line = Record<string, unknown> & { _aws?: Emf };
type Emf = { CloudWatchMetrics: { Namespace: string; Dimensions: string[][] }[] };

let printed: ReturnType<typeof capture>;
beforeEach(() => {
  printed = capture();
  logger.setLogLevel('DEBUG');
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The printed log lines and metrics, separately. */
function linesOf() {
  const lines = printed.lines<Line>();
  return {
    log: lines.filter(({ _aws }) => !_aws),
    metrics: lines.filter(({ _aws }) => _aws),
  };
}

/** Places an order over HTTP, and tells the customer of the record that this published. */
async function orderAndTell(answer: 'sent' | 'refused') {
  const records: OutgoingRecord[] = [];
  const handler = createOrder.createHandler({
    callers: callersOf(),
    repository: {
      ...untouched<Repository>(),
      insert: async (stored) => stored,
      backlog: { ...untouched<Repository['backlog']>(), markPublished: async () => undefined },
    },
    producer: {
      send: async (_topic, sent) => void records.push(...sent),
      partitionOf: () => undefined,
      disconnect: async () => undefined,
    },
    topic: 'order-events',
    clock,
  });
  const reply = await call(handler, {
    method: 'POST',
    path: '/api/orders',
    headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
    body: {
      customerId: 'customer-of-a-test',
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      contact: CONTACT,
    },
  });
  const ordered = linesOf();
  printed.clear();
  const sender = {
    name: 'test',
    send: async () =>
      answer === 'sent'
        ? { success: true as const, messageId: 'm-1' }
        : { success: false as const, retriable: false, reason: 'test: refused' },
  };
  const tell = notify.createHandler({
    senders: { email: [sender], sms: [sender] },
    recipientOf: createRecipientOf({
      customers: { find: async () => undefined },
      fallback: undefined,
    }),
    clock,
    unsubscribe: undefined,
    ledger: forgetfulLedger(),
    deadLetters: untouched(),
    failures: untouched(),
    reportsItemFailures: true,
  });
  await tell(eventOf(records), lambdaContext());
  return { reply, records, ordered, told: linesOf() };
}

function eventOf(records: OutgoingRecord[]) {
  const base64 = (text: unknown) => Buffer.from(String(text)).toString('base64');
  return {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'localhost:9092',
    records: {
      'order-events-0': records.map(({ key, value, headers = {} }, offset) => ({
        topic: 'order-events',
        partition: 0,
        offset,
        timestamp: 0,
        timestampType: 'CREATE_TIME',
        key: base64(key),
        value: base64(value),
        headers: Object.entries(headers).map(([name, text]) => ({
          [name]: [...Buffer.from(String(text))],
        })),
      })),
    },
  };
}

test("the caller's trace goes through the record's header to the notification", async () => {
  const { reply, records, ordered, told } = await orderAndTell('sent');
  expect(reply.status).toBe(201);
  expect(records[0]?.headers?.traceparent).toMatch(new RegExp(`^00-${TRACE}-`));
  expect(ordered.log.length).toBeGreaterThan(0);
  for (const line of ordered.log) expect(line).toMatchObject({ traceId: TRACE });
  const notifications = told.log.filter(({ message }) => message === 'notification');
  expect(notifications).toHaveLength(2);
  const orderId = reply.body.data.id;
  for (const line of notifications) expect(line).toMatchObject({ traceId: TRACE, orderId });
});

test('every invocation writes its metrics once, by service alone', async () => {
  const { ordered, told } = await orderAndTell('sent');
  const refused = await orderAndTell('refused');
  expect(ordered.metrics).toEqual([
    expect.objectContaining({ service: 'orders', OrdersCreated: 1, EventsPublished: 1 }),
  ]);
  expect(told.metrics).toEqual([
    expect.objectContaining({ BatchRecords: 1, BatchFailures: 0, EmailSent: 1, SmsSent: 1 }),
  ]);
  expect(refused.told.metrics).toEqual([expect.objectContaining({ EmailFailed: 1, SmsFailed: 1 })]);
  for (const { _aws, ...values } of [...ordered.metrics, ...told.metrics]) {
    expect(_aws?.CloudWatchMetrics).toEqual([
      expect.objectContaining({ Namespace: 'orders-test', Dimensions: [['service']] }),
    ]);
    const ofChannels = Object.values(CHANNELS).flatMap(({ metrics }) => Object.values(metrics));
    const known = [...Object.keys(METRICS), ...ofChannels, 'service'];
    for (const name of Object.keys(values)) expect(known).toContain(name);
  }
});

test('no line has an address or text of the body', async () => {
  for (const answer of ['sent', 'refused'] as const) {
    const { ordered, told } = await orderAndTell(answer);
    const text = JSON.stringify([ordered, told]);
    expect(text.length).toBeGreaterThan(500);
    for (const secret of [
      CONTACT.email,
      CONTACT.phone,
      'lovelace',
      'productId',
      'customer-of-a-test',
    ]) {
      expect(text).not.toContain(secret);
    }
  }
});
