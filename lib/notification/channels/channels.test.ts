import { expect, test } from '@jest/globals';
import { loadConfig } from '../../config.ts';
import { CHANNELS, createSenders } from './channels.ts';

const none = loadConfig().senders;

test('the providers are those of the configuration, in its order', () => {
  const senders = {
    ...none,
    email: ['ses' as const, 'smtp' as const],
    sms: ['sns' as const],
    from: 'orders@example.com',
    smtpUrl: 'smtp://localhost:1025',
  };
  const { email, sms } = createSenders({ region: 'us-east-1', senders });
  expect([email, sms].map((list) => list?.map(({ name }) => name))).toEqual([
    ['ses', 'smtp'],
    ['sns'],
  ]);
});

test('the mock of both channels is one inbox', () => {
  const senders = { ...none, email: ['mock' as const], sms: ['mock' as const] };
  const { email, sms } = createSenders({ region: 'us-east-1', senders });
  expect(email).toEqual(sms);
});

test.each([
  ['email', 'ada@example.com', 'a***@example.com'],
  ['email', 'bob@b.c', 'b***@b.c'],
  ['email', 'ab@example.com', '***@example.com'],
  ['email', 'a@b.c', '***@b.c'],
  ['email', '🙂🙂@b.c', '***@b.c'],
  ['sms', '+15550123', '+******23'],
  ['sms', '+123456', '+****56'],
  ['sms', '+12345', '+*****'],
  ['sms', '+12', '+**'],
] as const)('the %s address %s is shown as %s', (channel, to, shown) => {
  expect(CHANNELS[channel].mask(to)).toBe(shown);
});
