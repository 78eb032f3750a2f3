import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { eventOf } from '../../lib/order/events.ts';
import { exportStore } from '../../plugins/kafka-event-source/recorder/export.ts';
import {
  bufferedRecord,
  payloadOf,
  recorder,
  storeFiles,
  TOPIC,
  UUID,
} from '../../plugins/kafka-event-source/test/support/recorded.ts';

const { custom } = parse(readFileSync('serverless.yml', 'utf8'), { merge: true });
const { private: entries } = custom.kafkaEventSource.recorder;
const made = recorder({ private: entries });
/** Records as before the settings had private fields. */
const before = recorder();

afterAll(async () => {
  for (const { recording, folder } of [made, before]) {
    await recording.close();
    rmSync(folder, { recursive: true });
  }
});

test("neither the local memory of events and invocations nor its export has a customer's address", async () => {
  const contact = { email: 'somebody.private@example.org', phone: '+15550123456' };
  const at = '2026-11-27T10:00:00.000Z';
  const order = {
    id: '0197f000-0000-7000-8000-000000000000',
    customerId: 'customer-1',
    items: [{ productId: 'book-42', quantity: 1, price: 5 }],
    totalAmount: 5,
    currency: 'EUR',
    status: 'pending',
    createdAt: at,
    updatedAt: at,
    version: 1,
  } as const;
  const { value, headers } = eventOf(
    { ...order, items: [...order.items] },
    {
      id: 'event-1',
      traceparent: '00-1-1-01',
      contact,
    },
  );
  const record = bufferedRecord(1, value, { headers, key: Buffer.from(order.customerId) });
  // The letter of a record has its event within.
  const letter = `{"requestContext":{},"payload":${payloadOf([record], made.mapping)}}`;
  const records = [record, bufferedRecord(2, letter)];
  const batch = [{ partition: 0, records }];
  const payload = payloadOf(records, made.mapping);
  // The customer's preferences have them, and no event does.
  const preferred = { email: 'Preferred.One+tag@mail.example.org', phone: '+4915112345678' };
  const message = `no provider takes ${contact.email} or ${preferred.email}`;
  const result = { kind: 'functionError', message, body: JSON.stringify({ contact }) } as const;
  for (const { onStep, recording } of [made, before]) {
    onStep({ kind: 'invoked', id: 'one', batch, attempt: 1, payload: Buffer.from(payload) });
    recording.captures('one');
    recording.logged('one', 1, `event ${value}`);
    recording.logged('one', 1, payload);
    recording.logged('one', 1, `To: ${preferred.email}`);
    recording.logged('one', 1, `{"message":"sent","to":"${preferred.phone}"}`);
    onStep({ kind: 'answered', id: 'one', result, failed: batch, reason: message });
    // A library may put into a span what the functions' own spans never have.
    recording.addSpans([
      {
        traceId: '0a'.repeat(16),
        spanId: '0b'.repeat(8),
        service: 'orders',
        name: `send to ${preferred.email}`,
        kind: 'client',
        startedAt: 1,
        durationMs: 1,
        status: 'error',
        message,
        attributes: { 'order.contact': contact, to: [preferred.phone], body: value },
        events: [{ at: 1, name: 'sent', attributes: { to: contact.phone } }],
        links: [],
      },
    ]);
    await recording.flush();
  }
  const about = { service: 'orders', stage: 'dev', exportedAt: 0, mappings: [] };
  const exported = [made, before].map(({ folder }) => {
    const file = join(folder, 'export.sqlite');
    exportStore({ folder, stage: 'dev', file, private: entries, about });
    return { name: file, bytes: readFileSync(file) };
  });
  const inBase64 = (text: string) => Buffer.from(text).toString('base64').slice(0, -4);
  for (const { name, bytes } of [...storeFiles(made.folder), ...exported]) {
    for (const secret of [...Object.values(contact), ...Object.values(preferred), value, letter]) {
      for (const form of [secret, inBase64(secret)]) {
        expect([name, form, bytes.includes(form)]).toEqual([name, form, false]);
      }
    }
  }
  const place = { mapping: UUID, topic: TOPIC, partition: 0, offset: '1' };
  const kept = Buffer.from((await made.recording.record(place))?.value?.base64 ?? '', 'base64');
  expect(JSON.parse(kept.toString())).toMatchObject({
    data: { orderId: order.id, contact: '[private]' },
  });
});
