import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler } from '../../../functions/unsubscribe/handler.ts';
import type { EmailMessage } from '../../../lib/notification/channels/senders/sender.ts';
import { httpEvent, lambdaContext } from '../../support/http.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const unsubscribe = {
  url: 'https://shop.example/api/unsubscribe/',
  secrets: ['only-for-this-test'],
} as const;

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** Acts as a mail program with the link of an email: posts a form, or opens the link. */
async function visit(method: 'GET' | 'POST', link: string) {
  const path = new URL(link).pathname;
  const token = path.slice(path.lastIndexOf('/') + 1);
  const answer = await createHandler(bench.customers, unsubscribe)(
    httpEvent({
      method,
      path,
      pathParameters: { token },
      ...(method === 'POST' && {
        body: 'List-Unsubscribe=One-Click',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    }),
    lambdaContext(),
  );
  return { status: answer.statusCode, headers: answer.headers, body: String(answer.body) };
}

test('a click on the link of an email ends the emails of its customer, but not of a cancelled order', async () => {
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox, unsubscribe });
  const created = newEvent({}, { customerId: 'click' });
  await notify(created);
  const links = inbox.sent.map((message) => (message as EmailMessage).unsubscribe);
  expect(links.filter((link) => link !== undefined)).toHaveLength(1);
  const link = String(links.find((one) => one));

  // A scanner that follows links changes nothing.
  const page = await visit('GET', link);
  expect([page.status, page.headers?.['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.body).toContain('<form method="post">');
  expect(await bench.customers.find('click')).toBeUndefined();

  for (const version of [1, 1]) {
    const done = await visit('POST', link);
    expect(done.status).toBe(200);
    expect(done.body).not.toContain('<form');
    expect(await bench.customers.find('click')).toMatchObject({ version });
  }
  expect((await visit('GET', link)).body).not.toContain('<form');

  inbox.sent.length = 0;
  const shipped = newEvent({ type: 'ORDER_SHIPPED', sequence: 2 }, created.data);
  const cancelled = newEvent({ type: 'ORDER_CANCELLED', sequence: 3 }, created.data);
  expect(await notify(shipped, cancelled)).toEqual(bench.failed());
  expect(inbox.sent.map(({ channel }) => channel).toSorted()).toEqual(['email', 'sms', 'sms']);
  expect(await bench.recorded(shipped)).toMatchObject({
    email: { status: 'skipped', reason: 'switched off' },
    sms: { status: 'sent' },
  });
});

test('a link that is not ours is refused and changes nothing', async () => {
  const refused = await visit('POST', `${unsubscribe.url}ZW1haWwgY2xpY2s.${'A'.repeat(43)}`);
  expect(refused.status).toBe(404);
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'LINK_INVALID' });
});
