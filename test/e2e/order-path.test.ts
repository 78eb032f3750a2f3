import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { createProfiles } from '../support/profiles.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf, post } from '../support/system.ts';
import { readTopic } from '../support/topic.ts';
import { until } from '../support/until.ts';

let bench: OrderBench;
let profiles: Awaited<ReturnType<typeof createProfiles>>;
let offline: Awaited<ReturnType<typeof startOffline>>;
let topic: Awaited<ReturnType<typeof readTopic>>;

beforeAll(async () => {
  bench = await createOrderBench();
  // No function may look at the person's profile, which is not signed in.
  profiles = await createProfiles();
  [offline, topic] = await Promise.all([
    startOffline({ ...environmentOf(bench), ...profiles.environment, AWS_PROFILE: 'sso' }),
    readTopic(bench.brokers, bench.topic),
  ]);
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await profiles?.remove();
  await topic?.close();
  await bench?.close();
});

test('the event of an order placed over HTTP is on the topic, and is sent by email and SMS', async () => {
  const reply = await post(offline.url, { customerId: 'customer-1' });
  expect(reply.status).toBe(201);
  const { id } = reply.body.data;
  const told = await until('both messages', () => {
    const text = offline.printed();
    const email = /To: customer-1@example\.com/.test(text) && text.includes('Subject: ');
    return email && /To: \+15550100/.test(text) && text.includes(id) ? text : undefined;
  });
  expect(told).toContain(id);
  const record = await until('the event', () => topic.records.find(({ key }) => key === id));
  expect(JSON.parse(record.value)).toMatchObject({ type: 'ORDER_CREATED', sequence: 1 });
});

test('a record with a letter too large for its topic holds up no order', async () => {
  const letters = await readTopic(bench.brokers, bench.deadLetterTopic);
  const record = { key: null, value: 'not json', headers: { note: Buffer.alloc(700_000, 0xc8) } };
  const everywhere = [0, 1, 2].map((partition) => ({ ...record, partition }));
  for (const one of everywhere) await bench.producer.send(bench.topic, [one], 20_000);
  const { body } = await post(offline.url, { customerId: 'behind-it' });
  await until('its messages', () => {
    const text = offline.printed();
    return (/To: behind-it@example\.com/.test(text) && text.includes(body.data.id)) || undefined;
  });
  expect(await letters.atLeast(3)).toHaveLength(3);
  await letters.close();
}, 90_000);

test('a change of status is sent too, in order', async () => {
  const { body } = await post(offline.url, { customerId: 'customer-2' });
  const { id } = body.data;
  for (const status of ['confirmed', 'shipped']) {
    const answer = await fetch(`${offline.url}/api/orders/${id}/status`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status }),
      signal: AbortSignal.timeout(10_000),
    });
    expect(answer.status).toBe(200);
  }
  const { events } = (await bench.repository.get(id)) ?? { events: [] };
  expect(events).toHaveLength(3);
  const own = () => topic.records.filter(({ key }) => key === id);
  // On a busy machine the relay may publish an event again.
  const types = () => new Set(own().map(({ value }) => JSON.parse(value).type));
  await until('three events', () => (types().size >= 3 ? true : undefined));
  expect([...types()]).toEqual(['ORDER_CREATED', 'ORDER_UPDATED', 'ORDER_SHIPPED']);
});

test.each([
  ['GET', '/api/orders/a%2Fb', 404, 'ORDER_NOT_FOUND'],
  ['GET', '/api/orders/%C3%BC', 404, 'ORDER_NOT_FOUND'],
  ['GET', '/api/orders/customer/', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/api/orders/customer/%C3%BC', 422, 'VALIDATION'],
  ['GET', '/api/orders/a/b/c', 404, 'ROUTE_NOT_FOUND'],
  ['DELETE', '/api/orders', 405, 'METHOD_NOT_ALLOWED'],
  ['PATCH', '/api/orders/x', 405, 'METHOD_NOT_ALLOWED'],
  ['POST', '/api/orders', 400, 'BODY_MISSING'],
])('%s %s is answered with %d', async (method, path, status, code) => {
  const answer = await fetch(offline.url + path, { method, signal: AbortSignal.timeout(10_000) });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
});

test('two megabytes are refused with 413', async () => {
  const answer = await fetch(`${offline.url}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: 'a'.repeat(2_000_000),
    signal: AbortSignal.timeout(10_000),
  });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
    413,
    'BODY_TOO_LARGE',
  ]);
});
