import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../plugins/kafka-event-source/broker/ports.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment, startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const items = [{ productId: 'p', quantity: 1, price: 5 }];

let bench: OrderBench;
let folder: string;
let issuer: ChildProcess;
let service: Awaited<ReturnType<typeof startOffline>>;
let environment: Record<string, string>;

beforeAll(async () => {
  const port = await freePort();
  [bench, folder] = await Promise.all([
    createOrderBench(),
    mkdtemp(join(tmpdir(), 'orders-tokens-')),
  ]);
  issuer = spawn(process.execPath, [join(ROOT, 'local/issuer/issuer.ts'), String(port), folder]);
  const address = `http://127.0.0.1:${port}`;
  const auth = { AUTH: 'local', AUTH_ISSUER: address, AUTH_AUDIENCE: 'orders' };
  await writeFile(join(folder, 'env.json'), JSON.stringify(auth));
  environment = { ...environmentOf(bench), ...auth };
  const answers = () => fetch(`${address}/jwks`).then(({ ok }) => ok || undefined);
  await until('the issuer', () => answers().catch(() => undefined));
  service = await startOffline(environment);
}, 120_000);

afterAll(async () => {
  await service?.stop();
  issuer?.kill();
  await bench?.close();
  if (folder) await rm(folder, { recursive: true });
}, 60_000);

async function script(file: string, args: string[]) {
  const all = [join(ROOT, 'local', file), ...args, '--directory', folder];
  const env = plainEnvironment(environment) as NodeJS.ProcessEnv;
  return (await run(process.execPath, all, { env, timeout: 60_000 })).stdout;
}

async function ask(path: string, who: string[] = [], { body, method }: Asked = {}) {
  const token = who.length > 0 ? (await script('issuer/token.ts', who)).trim() : '';
  const answer = await fetch(`${service.url}${path}`, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    body: isJson && text ? JSON.parse(text) : text,
  };
}

type Asked = { body?: object; method?: string };

const ada = ['--customer', 'ada'];
const order = { customerId: 'ada', items };

test('without a token only open operations answer; the refusal says how to sign in', async () => {
  for (const path of [
    '/api/orders/customer/ada',
    '/api/notifications?customerId=ada',
    '/nowhere',
  ]) {
    const { status, headers, body } = await ask(path);
    expect([path, status, body.code]).toEqual([path, 401, 'TOKEN_MISSING']);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="orders"');
  }
  expect((await ask('/api/orders', [], { body: order })).status).toBe(401);
  const health = await ask('/api/health');
  expect([health.status, Object.keys(health.body)]).toEqual([200, ['success', 'status']]);
  for (const path of ['/api/docs', '/api/openapi.json']) {
    expect((await ask(path)).status).toBe(200);
  }
  expect((await ask('/api/unsubscribe/forged')).status).toBe(404);
  const preflight = await ask('/api/orders', [], { method: 'OPTIONS' });
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
    204,
    expect.stringContaining('authorization'),
  ]);
});

test('a customer has their own orders, an operator all, a program those of its scopes', async () => {
  const placed = await ask('/api/orders', ada, { body: order });
  expect(placed.status).toBe(201);
  const path = `/api/orders/${placed.body.data.id}`;
  expect((await ask(path, ada)).status).toBe(200);
  expect((await ask(path, ['--customer', 'bob'])).body.code).toBe('ORDER_NOT_FOUND');
  expect((await ask(path, ['--operator'])).status).toBe(200);
  expect((await ask(path, ['--machine', '--scope', 'orders:read'])).status).toBe(200);
  const lacking = await ask(path, ['--machine', '--scope', 'orders:write']);
  expect([lacking.status, lacking.body.scope]).toEqual([403, 'orders:read']);
  const foreign = await ask('/api/orders', ['--customer', 'bob'], { body: order });
  expect([foreign.status, foreign.body.code]).toEqual([403, 'NOT_YOURS']);
  expect((await ask('/api/health', ['--operator'])).body.dependencies.kafka.state).toBe('up');
});

test('a sample with a fresh token is answered, and a plain one is not', async () => {
  const answered = await script('sample.ts', ['createOrder', '--customer', 'customer-1']);
  expect(answered).toContain('"statusCode": 201');
  const file = join(ROOT, 'local/sample.ts');
  const env = plainEnvironment(environment) as NodeJS.ProcessEnv;
  const plain = await run(process.execPath, [file, 'createOrder'], { env, timeout: 60_000 });
  expect(plain.stdout).toContain('"statusCode": 401');
}, 60_000);
