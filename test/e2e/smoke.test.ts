import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment, startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';
import { until } from '../support/until.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench?.close());

function smoke(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: unknown; printed: string }>((resolve) => {
    const script = [join(ROOT, 'infra/smoke.ts'), ...args];
    const options = { env: plainEnvironment(env), timeout: 60_000 };
    execFile(process.execPath, script, options, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, printed: stdout + stderr });
    });
  });
}

/** The order that a run has placed, read from the run's output. */
async function orderOf(printed: string) {
  const [, id = ''] = /placed \/api\/orders\/(\S+)/.exec(printed) ?? [];
  const { order } = (await bench.repository.get(id)) ?? {};
  return order;
}

test('a system that works is said to, and its order is cancelled', async () => {
  const offline = await startOffline(environmentOf(bench));
  try {
    const { code, printed } = await smoke(['--url', offline.url]);
    expect(printed).toMatch(/placed[\s\S]*read\n[\s\S]*email sent\n[\s\S]*cancelled\n/);
    expect(code).toBe(0);
    expect(await orderOf(printed)).toMatchObject({ status: 'cancelled' });
    // The log of another process may arrive after its answer.
    const isPrinted = () => offline.printed().includes('To: success@simulator.amazonses.com');
    await until('the email in the log', () => isPrinted() || undefined, 10_000);
    expect(offline.printed()).not.toContain('--- sms');
  } finally {
    await offline.stop();
  }
});

test('a system that sends no emails fails, and its order is cancelled all the same', async () => {
  const [nobody] = await freePorts(1);
  const smtp = { NOTIFICATION_EMAIL: 'smtp', SMTP_URL: `smtp://localhost:${nobody}` };
  const offline = await startOffline({ ...environmentOf(bench), ...smtp });
  try {
    const { code, printed } = await smoke(['--url', offline.url, '--seconds', '3']);
    expect(printed).toContain('The email was not sent within 3 s');
    expect(code).toBe(1);
    expect(await orderOf(printed)).toMatchObject({ status: 'cancelled' });
  } finally {
    await offline.stop();
  }
});

test('the token is sent, and an answer that refuses it is shown', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, answer) => {
    seen.push(headers.authorization);
    answer.writeHead(401).end('{"message":"Unauthorized"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const refused = await smoke(['--url', url], { SMOKE_TOKEN: 'a.b.c' });
  const without = await smoke(['--url', url]);
  server.close();
  expect(seen).toEqual(['Bearer a.b.c', undefined]);
  expect(refused.printed).toContain('POST /api/orders was answered 401, not 201');
  expect([refused.code, without.code]).toEqual([1, 1]);
});

test('a machine client gets its token from the issuer; a refusal shows nothing of it', async () => {
  const seen: string[] = [];
  const server = createServer(async (request, answer) => {
    const { method, url, headers } = request;
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    seen.push(`${method} ${url} ${headers.authorization} ${body}`);
    if (url === '/token') answer.end('{"access_token":"a.b.c","token_type":"Bearer"}');
    else answer.writeHead(url === '/none' ? 400 : 401).end('{"error":"hidden"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = {
    SMOKE_CLIENT_ID: 'shop',
    SMOKE_CLIENT_SECRET: 's:e',
    SMOKE_SCOPE: 'orders:read',
  };
  await smoke(['--url', url], { ...client, SMOKE_TOKEN_URL: `${url}/token` });
  const basic = `Basic ${Buffer.from('shop:s%3Ae').toString('base64')}`;
  expect(seen[0]).toBe(`POST /token ${basic} grant_type=client_credentials&scope=orders%3Aread`);
  expect(seen[1]).toMatch(/^POST \/api\/orders Bearer a\.b\.c /);
  const refused = await smoke(['--url', url], { ...client, SMOKE_TOKEN_URL: `${url}/none` });
  expect(refused.printed).toContain('The issuer gives no token: it answers 400.');
  expect(refused.printed).not.toMatch(/hidden|s:e/);
  const lacking = await smoke(['--url', url], { SMOKE_TOKEN_URL: `${url}/token` });
  expect(lacking.printed).toContain('SMOKE_CLIENT_ID');
  server.close();
});

test.each([[[]], [['--url', 'shop']], [['--url', 'http://localhost:1', '--seconds', 'x']]])(
  'called with %j it says how to call it',
  async (args) => {
    const { code, printed } = await smoke(args);
    expect(printed).toContain('npm run smoke -- --url');
    expect(code).toBe(1);
  },
);

test('a system that is not there is reported without a stack', async () => {
  const [nobody] = await freePorts(1);
  const { code, printed } = await smoke(['--url', `http://127.0.0.1:${nobody}`]);
  expect(printed).toMatch(/fetch failed \(.*ECONNREFUSED/);
  expect(printed).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
});
