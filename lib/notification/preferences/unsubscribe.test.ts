import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { AppError } from '../../errors.ts';
import { NOTIFICATION_OPERATIONS } from '../api.ts';
import type { Customers } from './customers.ts';
import { type CustomerPreferences, DEFAULTS, isQuiet, type Preferences } from './preferences.ts';
import { subscriptionOf, unsubscribe, unsubscribeLink } from './unsubscribe.ts';
import { unsubscribePage } from './unsubscribe-page.ts';

const config = { url: 'https://shop.example/api/unsubscribe/', secrets: ['s'.repeat(16)] } as const;
const ada = { customerId: 'ada@example.com:1', channel: 'email' } as const;
const tokenOf = (link: string) => link.slice(config.url.length);
const token = tokenOf(unsubscribeLink(ada, config));
const invalid = expect.objectContaining({ code: 'LINK_INVALID' });

test('a link is one segment of a path, and leads back to its customer and channel', () => {
  expect(token).toMatch(/^[\w-]+\.[\w-]{43}$/);
  expect(subscriptionOf(token, config)).toEqual(ada);
  const longest = { customerId: 'a'.repeat(128), channel: 'sms' } as const;
  expect(subscriptionOf(tokenOf(unsubscribeLink(longest, config)), config)).toEqual(longest);
});

test('a link with any character changed, added or taken away is not ours', () => {
  for (const [i, character] of [...token].entries()) {
    const other = character === 'A' ? 'B' : 'A';
    const forged = token.slice(0, i) + other + token.slice(i + 1);
    expect(() => subscriptionOf(forged, config)).toThrow(invalid);
    expect(() => subscriptionOf(token.slice(0, i), config)).toThrow(invalid);
  }
  for (const forged of [`${token}A`, `${token}.`, `${token}.A`, '', '.', 'é', `${token}=`]) {
    expect(() => subscriptionOf(forged, config)).toThrow(invalid);
  }
});

test('a new secret signs, and links of an older secret are valid until that secret is removed', () => {
  const [older] = config.secrets;
  const rotated = { ...config, secrets: ['n'.repeat(16), older] as const };
  expect(subscriptionOf(token, rotated)).toEqual(ada);
  const renewed = tokenOf(unsubscribeLink(ada, rotated));
  expect(renewed).not.toBe(token);
  expect(() => subscriptionOf(renewed, config)).toThrow(invalid);
  expect(() => subscriptionOf(token, { secrets: ['n'.repeat(16)] })).toThrow(invalid);
  expect(() => subscriptionOf(token, undefined)).toThrow(invalid);
});

test.each(['push ada', 'ada', 'email', ''])(
  'the text "%s" under our signature, as another release may write it, is no link of this one',
  (written) => {
    const payload = Buffer.from(written).toString('base64url');
    const signed = createHmac('sha256', config.secrets[0]).update(`unsubscribe ${payload}`);
    const link = `${payload}.${signed.digest('base64url')}`;
    expect(() => subscriptionOf(link, config)).toThrow(invalid);
  },
);

/** Preferences that somebody else changes before each write as long as `races` says so. */
function customersWith(start: Preferences | undefined, races: () => boolean = () => false) {
  let version = start ? 1 : 0;
  let stored = start;
  const writes: Preferences[] = [];
  const shown = (): CustomerPreferences | undefined =>
    stored && { customerId: ada.customerId, version, ...stored, updatedAt: null };
  const customers: Customers = {
    find: async () => shown(),
    async save(_, preferences, versions) {
      if (races()) {
        stored = { ...(stored ?? DEFAULTS), language: `x${version}`.replace(/\d+/, 'y') };
        version += 1;
      }
      if (!versions?.includes(version)) throw new AppError('PREFERENCES_CHANGED', 'changed');
      writes.push(preferences);
      stored = preferences;
      version += 1;
      return shown() as CustomerPreferences;
    },
  };
  return { customers, writes, stored: () => stored };
}

test('the channel is switched off but for critical events, once, and nothing else changes', async () => {
  const { customers, writes } = customersWith({ ...DEFAULTS, language: 'de' });
  await unsubscribe(ada, customers);
  await unsubscribe(ada, customers);
  const { ORDER_CANCELLED, ...ordinary } = DEFAULTS.events;
  const off = Object.entries(ordinary).map(([type, on]) => [type, { ...on, email: false }]);
  const events = { ...Object.fromEntries(off), ORDER_CANCELLED };
  expect(writes).toEqual([{ ...DEFAULTS, language: 'de', events }]);
});

test('a switch that was off for a critical event stays off', async () => {
  const none = { ...DEFAULTS.events.ORDER_CANCELLED, email: false, sms: false };
  const { customers, stored } = customersWith({
    ...DEFAULTS,
    events: { ...DEFAULTS.events, ORDER_CANCELLED: none },
  });
  await unsubscribe(ada, customers);
  expect(stored()?.events.ORDER_CANCELLED).toEqual(none);
});

test('preferences that another writer puts meanwhile are kept', async () => {
  let left = 2;
  const { customers, stored } = customersWith(undefined, () => left-- > 0);
  await unsubscribe(ada, customers);
  expect(stored()?.language).toBe('xy');
  expect(stored() && isQuiet(stored() as Preferences, 'email')).toBe(true);
});

test('many who write the same preferences at one moment let it wait, and not fail', async () => {
  const end = performance.now() + 200;
  const { customers, stored } = customersWith(undefined, () => performance.now() < end);
  await unsubscribe(ada, customers);
  expect(stored() && isQuiet(stored() as Preferences, 'email')).toBe(true);
});

test('it gives up for a while where somebody else never ends', async () => {
  const { customers } = customersWith(undefined, () => true);
  await expect(unsubscribe(ada, customers)).rejects.toMatchObject({ code: 'DATABASE_AWAY' });
});

test('the page asks in the language of its reader, by a form alone, and says when it is done', () => {
  const asking = unsubscribePage('email', 'de-AT', false);
  expect(asking).toContain('<html lang="de">');
  expect(asking).toMatch(/<form method="post">\s*<input type="hidden" name="List-Unsubscribe"/);
  expect(asking).not.toMatch(/<(script|img|link)|https?:| on\w+=/);
  const done = unsubscribePage('email', 'en', true);
  expect(done).not.toContain('<form');
  expect(done).toContain('cancelled');
});

test('the example of the API is a link of stage local', () => {
  const { request } = NOTIFICATION_OPERATIONS['POST /api/unsubscribe/{token}'];
  const secrets = ['for-this-laptop-alone'] as const;
  expect(subscriptionOf(request?.path?.token ?? '', { secrets })).toEqual({
    customerId: 'customer-2',
    channel: 'email',
  });
});

test.each(['a b', ' ', 'Ада\n🙂', 'ada@x:y', 'x'.repeat(512)])(
  'the link of a customer works also if the API would refuse the id: %j',
  (customerId) => {
    const config = { url: 'https://shop.example/u/', secrets: ['s'] } as const;
    const token = unsubscribeLink({ customerId, channel: 'email' }, config).slice(
      config.url.length,
    );
    expect(subscriptionOf(token, config)).toEqual({ customerId, channel: 'email' });
    const refused = expect.objectContaining({ code: 'LINK_INVALID' });
    const without = (part: string) => expect(() => subscriptionOf(part, config)).toThrow(refused);
    without(token.slice(0, -1));
    without(`${token}A`);
    without(`${token}.`);
    without(token.slice(1));
    without(`${token}=`);
    expect(() => subscriptionOf(token, { secrets: ['other'] })).toThrow(refused);
    expect(() => subscriptionOf(token, undefined)).toThrow(refused);
  },
);
