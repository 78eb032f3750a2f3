import { expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { callersOf } from '../../test/support/callers.ts';
import { call } from '../../test/support/http.ts';
import { untouched } from '../../test/support/untouched.ts';
import { createHandler } from './handler.ts';

const handler = createHandler({
  repository: untouched<OutboxDeps['repository']>(),
  producer: untouched<OutboxDeps['producer']>(),
  topic: 'untouched',
  clock: systemClock,
  callers: callersOf(),
});

test('all faults of an order are named, and nothing is written or published', async () => {
  const body = {
    customerId: '',
    items: [{ productId: 'p', quantity: 0, price: 0.001 }],
    colour: 1,
  };
  const reply = await call(handler, { method: 'POST', body });
  expect(reply.status).toBe(422);
  expect(reply.body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'customerId',
    'items.0.quantity',
    'items.0.price',
    'colour',
  ]);
});

test('a body that is not JSON is refused', async () => {
  const reply = await call(handler, { method: 'POST', body: '{' });
  expect([reply.status, reply.body.code]).toEqual([400, 'BODY_NOT_JSON']);
});
