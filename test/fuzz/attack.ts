import { createHmac } from 'node:crypto';
import { v7 as uuidV7 } from 'uuid';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import type { Operation } from '../../lib/http/operation.ts';
import type { Random } from '../crash/random.ts';
import type { Customer } from './customers.ts';
import type { Sent } from './send.ts';

export type Attack = {
  sent: Sent;
  /** True if the token must be refused. */
  isBad: boolean;
};

export type Parties = { own: Customer; other: Customer; bad: string[] };

type Pair = [string, string];

const ROUTES = Object.entries(OPERATIONS) as [string, Operation][];
const STATUSES = ['pending', 'confirmed', 'shipped', 'delivered', 'cancelled', 'CANCELLED', ''];

/** One request of `own`, who has a good token, with all that can be guessed about `other`. */
export function attackOf(random: Random, parties: Parties): Attack {
  const { own, bad } = parties;
  const [route, operation] = pick(random, ROUTES);
  const [method = '', pattern = ''] = route.split(' ');
  const isBad = random.chance(0.15);
  const authorization = isBad ? pick(random, bad) : pick(random, own.tokens);
  const body = bodyOf(random, operation, parties);
  const headers: Pair[] = [
    [random.chance(0.1) ? 'AUTHORIZATION' : 'authorization', authorization],
    ...(body === undefined ? [] : ([['content-type', 'application/json']] as Pair[])),
    ...headersOf(random, parties),
  ];
  const filled = pattern.replace(/\{(\w+)\}/g, (_, name) =>
    segment(random, pathValue(random, name, parties)),
  );
  const sent = {
    method: random.chance(0.03)
      ? pick(random, ['HEAD', 'PATCH', 'OPTIONS', 'DELETE', 'PUT'])
      : method,
    path: random.chance(0.12) ? bent(random, filled, parties) : filled,
    query: queryOf(random, operation, parties),
    headers,
    ...(body !== undefined && { body }),
  };
  return { sent, isBad };
}

function pathValue(random: Random, name: string, { own, other }: Parties): string {
  if (name === 'token') return linkOf(random, { own, other });
  if (name === 'customerId') return customerOf(random, { own, other });
  return orderOf(random, { own, other });
}

type Two = Pick<Parties, 'own' | 'other'>;

function orderOf(random: Random, { own, other }: Two): string {
  const theirs = pick(random, other.orders);
  return pick(random, [
    () => theirs,
    () => theirs,
    () => theirs,
    () => theirs,
    () => pick(random, own.orders),
    () => uuidV7(),
    () => pick(random, other.events),
    () => theirs.toUpperCase(),
    () => `ORDER#${theirs}`,
    () => `${theirs}/events`,
    () => `${pick(random, own.orders)}/../${theirs}`,
    () => ` ${theirs}`,
    () => `${theirs}\0`,
    () => `${pick(random, own.orders)},${theirs}`,
    () => `{"S":"${theirs}"}`,
    () => pick(random, ['__proto__', 'constructor', '*', '%', '..', 'customer']),
  ])();
}

function customerOf(random: Random, { own, other }: Two): string {
  return pick(random, [
    () => other.id,
    () => other.id,
    () => other.id,
    () => own.id,
    () => own.id,
    () => other.id.toUpperCase(),
    () => `${own.id}/../${other.id}`,
    () => `${own.id},${other.id}`,
    () => `${other.id} `,
    () => `${other.id}\0`,
    () => `CUSTOMER#${other.id}`,
    () => `${own.id}#${other.id}`,
    () => other.id.normalize('NFD').replace('a', '\uff41'),
    () => pick(random, ['__proto__', 'toString', '*', '..']),
  ])();
}

/** Links of their own are good; a link of the other is one that they cannot sign. */
function linkOf(random: Random, { own, other }: Two): string {
  const [claim = '', signature = ''] = pick(random, other.links).split('.');
  const [ownClaim = '', ownSignature = ''] = pick(random, own.links).split('.');
  const guessed = createHmac('sha256', pick(random, ['', 'secret', other.id])).update(claim);
  return pick(random, [
    `${ownClaim}.${ownSignature}`,
    `${claim}.${ownSignature}`,
    `${claim}.`,
    claim,
    `${claim}.${guessed.digest('base64url')}`,
    `${claim}.${signature.slice(0, -2)}`,
    `${claim}.${signature.toLowerCase()}x`,
    `${ownClaim}.${ownSignature}.${claim}`,
    `${claim}.${ownClaim}.${ownSignature}`,
    `${ownClaim}${claim}.${ownSignature}`,
  ]);
}

function queryOf(random: Random, { input }: Operation, parties: Parties): Pair[] {
  const { own, other } = parties;
  const pairs: Pair[] = [];
  const add = (share: number, name: string, value: () => string) => {
    if (random.chance(share)) pairs.push([name, value()]);
  };
  if (input.query) {
    const isOfNotifications =
      input.query !== OPERATIONS['GET /api/orders/customer/{customerId}'].input.query;
    if (isOfNotifications && random.chance(0.5)) add(1, 'orderId', () => orderOf(random, parties));
    else if (isOfNotifications) add(1, 'customerId', () => customerOf(random, parties));
    add(
      0.1,
      pick(random, ['customerId', 'customerId[]', 'CustomerId', 'orderId', 'orderid']),
      () => (random.chance(0.5) ? other.id : pick(random, other.orders)),
    );
    add(0.5, 'limit', () => pick(random, ['1', '2', '100', '0', '1e2', '-1', '']));
    add(0.5, 'cursor', () => cursorOf(random, { own, other }));
    add(0.1, 'status', () => pick(random, STATUSES));
  }
  add(0.04, '__proto__[customerId]', () => other.id);
  add(0.04, pick(random, ['access_token', 'sub', 'customer', 'id', 'token']), () => other.id);
  return pairs;
}

function cursorOf(random: Random, { own, other }: Two): string {
  const theirs = pick(random, other.cursors);
  const ours = pick(random, own.cursors);
  return pick(random, [
    theirs,
    theirs,
    ours,
    ours.slice(0, 20) + theirs.slice(20),
    theirs.toUpperCase(),
    `${theirs}=`,
    Buffer.from(JSON.stringify({ pk: `CUSTOMER#${other.id}` })).toString('base64url'),
    `${new Date().toISOString()}#${pick(random, other.orders)}`,
  ]);
}

function headersOf(random: Random, { own, other, bad }: Parties): Pair[] {
  const pairs: Pair[] = [];
  const add = (share: number, name: string, value: () => string) => {
    if (random.chance(share)) pairs.push([name, value()]);
  };
  add(0.5, 'idempotency-key', () => pick(random, [...other.keys, ...own.keys]));
  add(0.2, 'if-match', () => pick(random, ['"1"', '"2"', '*', '"0"', 'W/"1"']));
  add(0.03, 'authorization', () => pick(random, bad));
  add(0.05, pick(random, ['x-http-method-override', 'x-http-method']), () => 'PUT');
  add(
    0.05,
    pick(random, ['x-original-url', 'x-rewrite-url', 'x-forwarded-uri']),
    () => `/api/orders/${pick(random, other.orders)}`,
  );
  add(
    0.05,
    pick(random, ['x-user', 'x-customer-id', 'customerid', 'x-forwarded-user', 'sub']),
    () => other.id,
  );
  add(0.03, 'cookie', () => `token=${other.id}; customerId=${other.id}`);
  add(0.03, '__proto__', () => other.id);
  add(0.03, 'x-forwarded-for', () => '127.0.0.1');
  return pairs;
}

function bodyOf(random: Random, { input, id }: Operation, parties: Parties): string | undefined {
  if (!input.body) return undefined;
  const { own, other } = parties;
  if (id === 'updateStatus') {
    const status = pick(random, STATUSES);
    return pick(random, [
      JSON.stringify({ status: 'cancelled' }),
      JSON.stringify({ status }),
      JSON.stringify({ status, expectedVersion: 1 }),
      JSON.stringify({ status, customerId: own.id, id: pick(random, own.orders) }),
      `{"status":"cancelled","__proto__":{"customerId":"${other.id}"}}`,
    ]);
  }
  if (id === 'createOrder') {
    const customerId = random.chance(0.5) ? own.id : customerOf(random, { own, other });
    const order = {
      customerId,
      items: [{ productId: 'own', quantity: 1, price: 5 }],
      ...(random.chance(0.1) && { id: pick(random, other.orders) }),
    };
    const text = JSON.stringify(order);
    return pick(random, [
      text,
      text,
      text,
      `{"customerId":"${own.id}",${text.slice(1)}`,
      `${text.slice(0, -1)},"customerId":"${other.id}"}`,
      `${text.slice(0, -1)},"__proto__":{"customerId":"${other.id}"}}`,
      JSON.stringify({ ...order, customerId: [own.id, other.id] }),
      JSON.stringify([order]),
    ]);
  }
  return pick(random, [
    JSON.stringify({ contact: { email: 'own@example.com' } }),
    JSON.stringify({ customerId: other.id, language: 'en' }),
    `{"language":"en","__proto__":{"customerId":"${other.id}"}}`,
    '{}',
    'null',
  ]);
}

function segment(random: Random, value: string): string {
  const encoded = encodeURIComponent(value);
  if (random.chance(0.85)) return encoded;
  return pick(random, [
    encodeURIComponent(encoded),
    [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    encoded.toLowerCase(),
    `${encoded};v=1`,
    `${encoded}%2f`,
    `${encoded}%00`,
    `${encoded}%`,
  ]);
}

/** The same path in ways in which a server may read it differently. */
function bent(random: Random, path: string, { own, other }: Two): string {
  return pick(random, [
    path.toUpperCase(),
    `${path}/`,
    path.replace('/api', '//api'),
    path.replace('/api', '/api/.'),
    path.replace('/api', '/api/docs/..'),
    path.replace('/api', '/api/health/%2e%2e'),
    path.replaceAll('/', '%2f').replace('%2f', '/'),
    `/api/orders/${pick(random, own.orders)}/..%2f${pick(random, other.orders)}`,
    `/api/orders/customer/${encodeURIComponent(own.id)}/../${encodeURIComponent(other.id)}`,
    `/api/orders/customer/events`,
    `/local${path}`,
    path.replace('/api/', '/api\\'),
  ]);
}

/** The same request about an order that does not exist; undefined if it is about no order of theirs. */
export function twinOf(
  { sent, isBad }: Attack,
  { other }: Two,
): { attack: Attack; order: string; twin: string } | undefined {
  const place = JSON.stringify([sent.path, sent.query]);
  const order = other.orders.find((id) => place.includes(id));
  if (!order || sent.headers.some(([name]) => name.startsWith('x-'))) return undefined;
  const twin = uuidV7();
  const text = JSON.stringify(sent).replaceAll(order, twin);
  return { attack: { sent: JSON.parse(text), isBad }, order, twin };
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T;
}
