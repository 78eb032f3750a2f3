// The real clients of SES and SNS against moto. Not part of `npm test`, which needs no Python.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import type { EmailMessage } from '../../lib/notification/channels/senders/sender.ts';
import { createSesSender } from '../../lib/notification/channels/senders/ses.ts';
import { createSnsSender } from '../../lib/notification/channels/senders/sns.ts';
import { startMoto } from './moto.ts';

process.env.AWS_ACCESS_KEY_ID = 'local';
process.env.AWS_SECRET_ACCESS_KEY = 'local';

const region = 'us-east-1';
const from = 'Orders <orders@example.com>';
const email: EmailMessage = {
  channel: 'email',
  orderId: 'o1',
  to: 'ada@example.com',
  subject: 'We have your order, Zoë',
  body: 'Thank you.',
  html: '<p>Thank you.</p>',
  unsubscribe: 'https://shop.example/unsubscribe?token=t',
};
const sms = { channel: 'sms', orderId: 'o1', to: '+15550123', text: 'Order o1, 12 €' } as const;
const signal = new AbortController().signal;

let moto: Awaited<ReturnType<typeof startMoto>>;

before(async () => {
  moto = await startMoto();
});
after(() => moto?.stop());

test('SES: a sender that is not verified passes, and takes nothing', async () => {
  const sender = createSesSender({ region, endpoint: moto.endpoint, from });
  const answer = await sender.send(email, signal);
  assert.deepEqual(answer, { success: false, retriable: true, reason: 'ses: MessageRejected' });
  assert.deepEqual((await moto.taken()).email, []);
});

test('SES takes an email, with the id that is put on record', async () => {
  const client = new SESv2Client({ region, endpoint: moto.endpoint });
  await client.send(new CreateEmailIdentityCommand({ EmailIdentity: 'orders@example.com' }));
  const sender = createSesSender({ region, endpoint: moto.endpoint, from });
  const answer = await sender.send(email, signal);
  const [taken, ...others] = (await moto.taken()).email;
  assert.deepEqual(others, []);
  assert.deepEqual(answer, { success: true, messageId: taken?.id });
  assert.equal(taken?.source, from);
  assert.equal(taken?.subject, email.subject);
  assert.equal(taken?.body, email.html);
  assert.match(taken?.destinations ?? '', /'ToAddresses': \['ada@example.com'\]/);
});

test('SNS takes an SMS, its segments counted; a number that is none is refused for good', async () => {
  const sender = createSnsSender({ region, endpoint: moto.endpoint, senderId: 'ORDERS' });
  const answer = await sender.send(sms, signal);
  assert.equal(answer.success && answer.segments, 1);
  const refused = await sender.send({ ...sms, to: 'nobody' }, signal);
  const reason = 'sns: InvalidParameterException';
  assert.deepEqual(refused, { success: false, retriable: false, reason });
  assert.deepEqual((await moto.taken()).sms, [[sms.to, sms.text]]);
});

test('a provider that has ended passes, and takes nothing', async () => {
  const { endpoint } = moto;
  await moto.stop();
  const [mail, message] = await Promise.all([
    createSesSender({ region, endpoint, from }).send(email, signal),
    createSnsSender({ region, endpoint }).send(sms, signal),
  ]);
  assert.deepEqual(mail, { success: false, retriable: true, reason: 'ses: ECONNREFUSED' });
  assert.deepEqual(message, { success: false, retriable: true, reason: 'sns: ECONNREFUSED' });
});
