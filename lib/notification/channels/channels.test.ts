import { expect, test } from '@jest/globals';
import { createSenders } from './channels.ts';

const none = { from: '', smtpUrl: '', senderId: undefined };

test('the providers are those of the configuration, in its order', () => {
  const senders = {
    ...none,
    email: ['ses' as const, 'smtp' as const],
    sms: ['sns' as const],
    from: 'orders@example.com',
    smtpUrl: 'smtp://localhost:1025',
  };
  const { email, sms } = createSenders({ region: 'us-east-1', senders });
  expect([email, sms].map((list) => list.map(({ name }) => name))).toEqual([
    ['ses', 'smtp'],
    ['sns'],
  ]);
});

test('the mock of both channels is one inbox', () => {
  const senders = { ...none, email: ['mock' as const], sms: ['mock' as const] };
  const { email, sms } = createSenders({ region: 'us-east-1', senders });
  expect(email).toEqual(sms);
});
