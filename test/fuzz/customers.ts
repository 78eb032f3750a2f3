import { randomUUID } from 'node:crypto';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type JWTPayload, UnsecuredJWT } from 'jose';
import { factsOf, keyOf } from '../../lib/notification/ledger/record.ts';
import { unsubscribeLink } from '../../lib/notification/preferences/unsubscribe.ts';
import { orderEvent } from '../support/order-event.ts';
import { AUDIENCE, createSigner, type Signer } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { LINKS, type Send } from './send.ts';

/** The parts of a customer's data that attacks use, or that show a leak. */
export type Customer = {
  id: string;
  /** The header of the customer's own good tokens. */
  tokens: string[];
  orders: string[];
  events: string[];
  cursors: string[];
  keys: string[];
  links: string[];
  /** Texts that nobody can guess, so they must be in no answer to the other. */
  marks: string[];
};

const ORDERS = 6;

/**
 * Customers whose ids are nearly the same, or are words of the language. No id comes twice: a run expects
 * that nobody calls the customers of its earlier rounds.
 */
const NAMES: readonly (readonly [string, string])[] = [
  ['ann', 'Ann'],
  ['eve', 'eve2'],
  ['a:b', 'a'],
  ['bob@example.org', 'bob'],
  ['constructor', '__proto__'],
  ['customer', 'events'],
  ['a.', 'a-'],
  ['b', 'b-'],
];

export const pairOf = (round: number): readonly [string, string] => {
  const [one, other] = NAMES[round % NAMES.length] ?? ['a', 'b'];
  const more = round < NAMES.length ? '' : String(round);
  return [one + more, other + more];
};

/** How tokens are made for the run. */
export type Mint = { signer: Signer; issuer: string };

type Place = { send: Send; mint: Mint; dynamo: DynamoDBDocumentClient; table: string };

/** A customer with orders, preferences, notifications, used keys and cursors; each holds a mark. */
export async function createCustomer(
  { send, mint, dynamo, table }: Place,
  id: string,
  other: string,
) {
  const mark = `mark-${randomUUID().slice(0, 13)}`;
  const contact = { email: `${mark}@example.net`, phone: `+1555${randomDigits()}` };
  const tokens = await goodTokens(mint, id, other);
  const [authorization = ''] = tokens;
  const customer: Customer = {
    id,
    tokens,
    orders: [],
    events: [],
    cursors: [],
    keys: Array.from({ length: ORDERS }, (_, i) => `key-${mark}-${i}`),
    links: (['email', 'sms'] as const).map((channel) => tokenOf(id, channel)),
    marks: [mark, contact.phone],
  };
  const path = (text: string) => text.replace('{id}', encodeURIComponent(id));
  const ask = (method: string, to: string, body?: object, key?: string) =>
    expectGood(send, {
      method,
      path: path(to.split('?')[0] ?? ''),
      query: [...new URLSearchParams(to.split('?')[1])],
      headers: [
        ['authorization', authorization],
        ...(body ? ([['content-type', 'application/json']] as const) : []),
        ...(key ? ([['idempotency-key', key]] as const) : []),
      ],
      ...(body && { body: JSON.stringify(body) }),
    });
  await ask('PUT', '/api/customers/{id}/preferences', { contact, language: 'de' });
  for (const key of customer.keys) {
    const items = [{ productId: mark, quantity: 3, price: 9.5 }];
    const { data } = await ask('POST', '/api/orders', { customerId: id, items, contact }, key);
    customer.orders.push(data.id);
    const { data: events } = await ask('GET', `/api/orders/${data.id}/events`);
    customer.events.push(...events.map((event: { id: string }) => event.id));
    const event = { ...orderEvent({ id: randomUUID() }), data: { ...events[0].data } };
    const message = { to: contact.email, subject: `About ${mark}`, text: mark };
    const told = { event, channel: 'email', message } as never;
    const Item = {
      ...keyOf(told),
      ...factsOf(told, new Date()),
      status: 'sent',
      attempts: 1,
      messageId: mark,
    };
    await dynamo.send(new PutCommand({ TableName: table, Item }));
    customer.events.push(event.id);
  }
  for (const list of [
    '/api/orders/customer/{id}?limit=2',
    `/api/notifications?customerId=${encodeURIComponent(id)}&limit=2`,
  ]) {
    const page = await until('a second page', async () => {
      const found = await ask('GET', list);
      return found.nextCursor ? found : undefined;
    });
    customer.cursors.push(page.nextCursor);
  }
  return customer;
}

async function expectGood(send: Send, sent: Parameters<Send>[0]) {
  const answer = await send(sent);
  if (answer.status < 300) return JSON.parse(answer.text);
  throw new Error(`${sent.method} ${sent.path}: ${answer.status} ${answer.text}`);
}

/** Good tokens of the customer, with every claim that customers can choose, such as names. */
async function goodTokens({ signer, issuer }: Mint, id: string, other: string): Promise<string[]> {
  const claims: JWTPayload[] = [
    {},
    { name: other, preferred_username: other, email: other, nickname: other },
    { username: other, 'cognito:username': other, client_id: 'app' },
    { customerId: other, customer_id: other, user: { sub: other }, act: { sub: other } },
    { scope: 'openid profile orders:read orders:write preferences:write notifications:read' },
    { scope: 'orders:operate2 xorders:operate ORDERS:OPERATE', roles: ['operator'], azp: other },
    { aud: [AUDIENCE, other], jti: other, groups: ['operators'] },
  ];
  return Promise.all(
    claims.map(async (more) => bearer(await signer.sign(claimsOf(issuer, id, more)))),
  );
}

/** Tokens that the attacker can make of their own: each must be refused. */
export async function badTokens({ signer, issuer }: Mint, own: string, other: string) {
  const forger = await createSigner(signer.alg, signer.kid);
  const good = await signer.sign(claimsOf(issuer, own));
  const [header = '', , signature = ''] = good.split('.');
  const coded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = coded(claimsOf(issuer, other));
  return [
    bearer(`${header}.${claims}.${signature}`),
    bearer(`${header}.${claims}.`),
    bearer(`${coded({ alg: 'none' })}.${claims}.`),
    bearer(`${coded({ alg: 'RS256' })}.${claims}.${signature}`),
    bearer(`${coded({ alg: 'RS256', jwk: forger.jwk, kid: forger.kid })}.${claims}.${signature}`),
    bearer(await forger.sign(claimsOf(issuer, other))),
    bearer(await forger.sign(claimsOf(issuer, other), { jwk: forger.jwk })),
    bearer(new UnsecuredJWT(claimsOf(issuer, other)).encode()),
    bearer(await signer.sign(claimsOf(issuer, other, { aud: 'another-api' }))),
    bearer(await signer.sign(claimsOf(issuer, other, { iss: 'https://issuer.example' }))),
    bearer(await signer.sign(claimsOf(issuer, other, { exp: 1 }))),
    bearer(await signer.sign(claimsOf(issuer, other, { nonce: 'n' }))),
    `${bearer(good)},${bearer(await forger.sign(claimsOf(issuer, other)))}`,
    `Basic ${Buffer.from(`${other}:`).toString('base64')}`,
    `Bearer ${other}`,
    'Bearer',
    '',
  ];
}

function claimsOf(issuer: string, sub: string, more: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(Date.now() / 1000) - 60;
  return { iss: issuer, aud: AUDIENCE, sub, iat, exp: iat + 7200, ...more };
}

function tokenOf(customerId: string, channel: 'email' | 'sms'): string {
  return unsubscribeLink({ customerId, channel }, LINKS).slice(LINKS.url.length);
}

const bearer = (token: string) => `Bearer ${token}`;

function randomDigits(): string {
  return String(Math.floor(Math.random() * 10_000_000)).padStart(7, '0');
}
