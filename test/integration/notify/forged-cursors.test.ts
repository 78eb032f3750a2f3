import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { sealCursor } from '../../../lib/cursor.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { anyText } from '../../support/any-text.ts';
import { callersOf } from '../../support/callers.ts';
import { call, type Reply } from '../../support/http.ts';
import { createNotifyBench, type NotifyBench } from './bench.ts';

/** Sealing needs no secret, so anybody who knows the code can put any text into a cursor. */
const lists = {
  'the notifications of an order': {
    scope: ['notifications', 'orderId', 'o'],
    read: (cursor: string) => bench.list({ orderId: 'o', cursor }),
  },
  'the notifications of a customer': {
    scope: ['notifications', 'customerId', 'c'],
    read: (cursor: string) => bench.list({ customerId: 'c', cursor }),
  },
  'the orders of a customer': {
    scope: ['orders', 'c', ''],
    read: (cursor: string) =>
      call(
        createListByCustomer({
          repository: createRepository({ ...bench, clock: systemClock }),
          callers: callersOf(),
        }),
        { pathParameters: { customerId: 'c' }, query: { cursor } },
      ),
  },
};
const names = Object.keys(lists) as (keyof typeof lists)[];

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const isRefused = ({ status, body }: Reply) =>
  status === 422 && body.errors.every(({ path }: { path: string }) => path === 'cursor');

const order = 'ORDER#o';
const told = 'NOTIFICATION#0000000001#e#email#0';
const at = '2026-11-23T09:00:00.000Z';
const id = '0192f0c1-2345-7abc-8def-0123456789ab';

const contents: unknown[] = [
  ...['hello', ' ', '{', 'null', '1', '"text"', '[]', '{}', '[1,2,3]', '[null,null,null]', at],
  ...[`${at}#`, `#${id}`, `${at}#${id}#x`, `${at}#x`, `2026#${id}`, `x${at}#${id}`],
  ...[['ORDER#other', told], [order, 'ORDER'], [order, ''], ['', told], [order], [told, order]],
  ...[
    [order, told, ''],
    [order, told, 1],
    [order, told, null],
    [order, told, at, at],
  ],
  ...[
    [order, 'NOTIFICATION'],
    [[order], told, at],
    [order, { S: told }, at],
  ],
  ...[
    [order, `${told}${'x'.repeat(1000)}`, at],
    [order, told, 'x'.repeat(1025)],
  ],
  ...[
    [order, `${told}\ud800`, at],
    [order, told, '\udfff'],
  ],
];

test.each(names)('%s refuses a cursor with any other content', async (name) => {
  const { scope, read } = lists[name];
  for (const content of contents) {
    const position = typeof content === 'string' ? content : JSON.stringify(content);
    const reply = await read(sealCursor(scope, position));
    expect([position, reply.status, isRefused(reply)]).toEqual([position, 422, true]);
  }
});

const arbitrary = fc.oneof(
  anyText({ minLength: 1 }),
  fc.json({ noUnicodeString: false }),
  fc
    .array(fc.oneof(fc.constantFrom(order, told, at, null, 0), anyText()))
    .map((parts) => JSON.stringify(parts)),
  fc.tuple(fc.constantFrom(at, ''), fc.string()).map((parts) => parts.join('#')),
);

test.each(names)('%s answers no content with a failure', async (name) => {
  const { scope, read } = lists[name];
  await fc.assert(
    fc.asyncProperty(arbitrary, async (position) => {
      const reply = await read(sealCursor(scope, position));
      // A forged position between two entries is harmless: it shows only entries of the list.
      expect(reply.status === 200 || isRefused(reply)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
