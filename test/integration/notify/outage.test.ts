import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AppError } from '../../../lib/errors.ts';
import { deadLetterOf } from '../../../lib/kafka/dead-letter.ts';
import type { Sender } from '../../../lib/notification/channels.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { lambdaContext } from '../../support/http.ts';
import { createInbox, createNotifyBench, type NotifyBench, orderEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const away: Sender = {
  name: 'away',
  send: async () => ({ success: false, passing: true, reason: 'away: ECONNREFUSED' }),
};

/** The letter that a record becomes after its last retry, and the record that a redrive makes of it. */
function redriven(event: OrderEvent) {
  const record = {
    topic: 'order-events',
    partition: 0,
    offset: 1,
    timestamp: 1_795_168_800_012,
    key: Buffer.from(event.data.orderId).toString('base64'),
    value: Buffer.from(JSON.stringify(event)).toString('base64'),
  };
  const letter = deadLetterOf(
    {
      event: { records: { 'order-events-0': [record] } },
      partition: 'order-events-0',
      record,
      context: lambdaContext(),
      reason: new AppError('SEND_FAILED', 'The provider did not take it.'),
    },
    'notify',
    new Date(),
  );
  const { payload } = JSON.parse(String(letter.value));
  const [[{ key, value }]] = Object.values(payload.records) as [[{ key: string; value: string }]];
  return { key: Buffer.from(key, 'base64').toString(), value: Buffer.from(value, 'base64') };
}

function lifeOf() {
  const created = orderEvent({}, { contact: { email: 'ada@example.com' } });
  const { data } = created;
  const shipped = orderEvent({ type: 'ORDER_SHIPPED', sequence: 2 }, data);
  return [created, shipped, orderEvent({ type: 'ORDER_DELIVERED', sequence: 3 }, data)] as const;
}

test('what a long outage of the provider left in the dead letters is told in order after a redrive', async () => {
  const events = lifeOf();
  for (const event of events) {
    // Each is given up in its turn, after the retries of the mapping.
    await expect(bench.notify({ sender: away })(event)).rejects.toMatchObject({
      code: 'SEND_FAILED',
    });
  }
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(...events.map(redriven))).toEqual(bench.failed());
  const told = inbox.sent.map((message) => ('subject' in message ? message.subject : ''));
  expect(told).toHaveLength(3);
  expect(told.map((subject) => /on its way|has arrived/.exec(subject)?.[0])).toEqual([
    undefined,
    'on its way',
    'has arrived',
  ]);
  // A redrive that is repeated tells nobody again.
  expect(await bench.notify({ sender: inbox })(...events.map(redriven))).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(3);
});

test('a redriven event that a later one of its order has overtaken is skipped on record', async () => {
  const [created, shipped] = lifeOf();
  await expect(bench.notify({ sender: away })(created)).rejects.toThrow();
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  expect(await notify(shipped)).toEqual(bench.failed());
  expect(await notify(redriven(created))).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(1);
  expect(await bench.recorded(created)).toMatchObject({
    email: { status: 'skipped', reason: 'superseded' },
  });
});
