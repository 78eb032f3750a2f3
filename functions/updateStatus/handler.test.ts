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

const pathParameters = { id: '0192f0c1-2345-7abc-8def-0123456789ab' };

test.each([
  [{ status: 'lost' }, 'status'],
  [{ status: 'shipped', expectedVersion: 0 }, 'expectedVersion'],
  [{ status: 'shipped', expectedVersion: 1.5 }, 'expectedVersion'],
  [{ status: 'shipped', force: true }, 'force'],
])('%j is refused at %s, and nothing is read', async (body, path) => {
  const reply = await call(handler, { method: 'PUT', pathParameters, body });
  expect(reply.status).toBe(422);
  expect(reply.body.errors.map((fault: { path: string }) => fault.path)).toEqual([path]);
});
