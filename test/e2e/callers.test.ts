// Every operation with every kind of caller, over HTTP.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pool } from '../../lib/pool.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import {
  CASES,
  partsOf,
  type Row,
  rowsOf,
  shortOf,
  shortOfWanted,
  wantedOf,
} from '../support/matrix.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';
import { createSigner, jwtEnvironment } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const AT_ONCE = 6;

let bench: OrderBench;
let issuer: TestIssuer;
let rows: Row[];
let system: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  const signer = await createSigner();
  [bench, issuer] = await Promise.all([createOrderBench(), startIssuer(signer.jwk)]);
  rows = await rowsOf(signer, issuer.issuer);
  system = await startOffline({
    ...environmentOf(bench),
    ...jwtEnvironment(issuer.issuer),
    POWERTOOLS_LOG_LEVEL: 'ERROR',
  });
}, 120_000);

afterAll(async () => {
  await system?.stop();
  issuer?.close();
  await bench?.close();
}, 60_000);

type Sent = { method: string; query?: Record<string, string>; body?: object };

async function send(path: string, { method, query, body }: Sent, headers: Record<string, string>) {
  const answer = await fetch(`${system.url}${path}?${new URLSearchParams(query)}`, {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate'),
    body: isJson ? JSON.parse(text) : undefined,
  };
}

const authorized = ({ authorization }: Row) => (authorization ? { authorization } : undefined);

test.each(CASES.map((one) => [one.name, one] as const))(
  '%s answers every caller by its rule',
  async (_, one) => {
    const results: [string, object][] = [];
    await pool(rows, AT_ONCE, async (row) => {
      const { path, query, headers, ...rest } = await partsOf(one, bench);
      const sent = { method: one.method, query, ...rest };
      const given = { ...headers, ...authorized(row) };
      // A machine under load may not get the keys in time: then 503 asks to come again.
      const answer = await until('an answer', async () => {
        const found = await send(path, sent, given);
        return found.status === 503 ? undefined : found;
      });
      results.push([row.name, shortOf(answer)]);
    });
    expect(Object.fromEntries(results)).toEqual(
      Object.fromEntries(rows.map((row) => [row.name, shortOfWanted(wantedOf(one, row))])),
    );
  },
);

test('health shows its details to an operator only', async () => {
  for (const row of rows) {
    const { body } = await send('/api/health', { method: 'GET' }, { ...authorized(row) });
    expect([row.name, 'dependencies' in body]).toEqual([row.name, row.is === 'operator']);
    expect(body).not.toHaveProperty('auth');
  }
});

test('five operations are open to all; a request that names a customer must come from that customer', () => {
  const open = CASES.filter(({ rule }) => rule === 'open').map(({ name }) => name);
  expect(open).toEqual([
    'GET /api/unsubscribe/{token}',
    'POST /api/unsubscribe/{token}',
    'GET /api/health',
    'GET /api/docs',
    'GET /api/openapi.json',
  ]);
  for (const { name, rule, request, path } of CASES) {
    if (typeof rule === 'string') continue;
    const place = (['path', 'query', 'body'] as const).find((part) =>
      Object.hasOwn(request[part] ?? {}, 'customerId'),
    );
    expect([name, rule.owner]).toEqual([name, place ?? 'found']);
    expect(path.includes('{customerId}')).toBe(place === 'path');
  }
});
