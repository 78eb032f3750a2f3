import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createKeys } from '../../../lib/identity/keys.ts';
import { createTokens } from '../../../lib/identity/token.ts';
import { AUDIENCE, issuerAt } from '../../../local/issuer/issuer.ts';
import { signingKeys } from '../../../local/issuer/signing-keys.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { ROOT } from '../../support/root.ts';
import { SETTINGS } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';

type Ended = { code: number; stdout: string; stderr: string };

const directory = mkdtempSync(join(tmpdir(), 'orders-issuer-'));
const port = await freePort();
const issuer = issuerAt(port);
const running: ChildProcess[] = [];
const outside = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('AUTH')),
);

/** The local issuer as the supervisor starts it; resolves when it says that it serves. */
async function start(at: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [
    join(ROOT, 'local/issuer/issuer.ts'),
    String(at),
    directory,
  ]);
  running.push(child);
  let output = '';
  child.stdout?.on('data', (text) => {
    output += text;
  });
  await until('the issuer to serve', () => output.includes(`issuer ${issuerAt(at)}`) || undefined);
  return child;
}

function script(file: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const command = [join(ROOT, 'local/issuer', file), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { ...outside, ...env } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const token = (...args: string[]) => script('token.ts', [...args, '--directory', directory]);

async function tokenOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await token(...args);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  return `Bearer ${stdout.trim()}`;
}

function reader() {
  const keys = createKeys({ issuer }, systemClock);
  const settings = { ...SETTINGS, issuer, audience: [AUDIENCE] };
  return createTokens({ settings, keys, clock: systemClock });
}

beforeAll(async () => {
  await Promise.all([start(port), freePort().then(start)]);
  const env = { AUTH: 'local', AUTH_ISSUER: issuer, AUTH_AUDIENCE: AUDIENCE };
  writeFileSync(join(directory, 'env.json'), JSON.stringify(env));
});

afterAll(() => {
  for (const child of running) child.kill();
  rmSync(directory, { recursive: true });
});

test('two issuers that start at once share one key, which others cannot read', async () => {
  const file = join(directory, 'issuer-keys.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [key, ...more] = await signingKeys(directory);
  expect(more).toEqual([]);
  expect(Buffer.from(key?.n ?? '', 'base64url')).toHaveLength(256);
});

test('nothing of a private key is served, and nothing else is', async () => {
  const get = async (path: string) => {
    const answer = await fetch(`${issuer}${path}`);
    return [answer.status, await answer.text()] as const;
  };
  const [status, keys] = await get('/jwks');
  expect(status).toBe(200);
  const members = Object.keys(JSON.parse(keys).keys[0]).toSorted();
  expect(members).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  expect((await get('/.well-known/openid-configuration'))[1]).toContain(`"issuer":"${issuer}"`);
  expect((await get('/issuer-keys.json'))[0]).toBe(404);
  expect((await get('/constructor'))[0]).toBe(404);
});

test('the printed tokens are a customer’s, an operator’s and a machine’s', async () => {
  const read = reader();
  expect(await read(await tokenOf('--customer', 'customer-1'))).toMatchObject({
    kind: 'customer',
    customerId: 'customer-1',
  });
  for (const id of ['shop', 'machine', 'operator', 'local:machine']) {
    expect(await read(await tokenOf('--customer', id))).toMatchObject({ customerId: id });
  }
  expect(await read(await tokenOf('--operator'))).toMatchObject({ kind: 'operator' });
  const scopes = ['--scope', 'orders:read', '--scope', 'preferences:read,preferences:write'];
  expect(await read(await tokenOf('--machine', ...scopes))).toMatchObject({
    kind: 'machine',
    scopes: ['orders:read', 'preferences:read', 'preferences:write'],
  });
  const [, claims = ''] = (await tokenOf('--operator', '--minutes', '5')).split('.');
  const { iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  expect(exp - iat).toBe(300);
});

test('a new key signs from now on and is served at once; the one before it stays, no third', async () => {
  const before = await tokenOf('--customer', 'customer-1');
  expect(await token('--rotate')).toMatchObject({ code: 0, stdout: '' });
  const after = await tokenOf('--customer', 'customer-1');
  const kid = (text: string) =>
    Buffer.from(text.slice(7).split('.')[0] ?? '', 'base64url').toString();
  expect(kid(after)).not.toBe(kid(before));
  const read = reader();
  expect(await read(before)).toBeDefined();
  expect(await read(after)).toBeDefined();
  await token('--rotate');
  expect(await signingKeys(directory)).toHaveLength(2);
  expect(statSync(join(directory, 'issuer-keys.json')).mode & 0o777).toBe(0o600);
  await expect(reader()(before)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
});

test.each<[string[], RegExp]>([
  [[], /one of --customer/],
  [['--customer', 'a', '--operator'], /one of --customer/],
  [['--customer', 'a b'], /--customer a b: must be 1 to 128/],
  [['--customer'], /--customer/],
  [['--machine', '--scope', 'orders:reed'], /--scope orders:reed is none of orders:read/],
  [['--operator', '--scope', 'orders:read'], /--scope goes with --machine/],
  [['--operator', '--minutes', '0'], /--minutes takes a whole number/],
  [['--operator', 'more'], /more/],
  [['--nobody'], /--nobody/],
])('a wrong call says so, and where help is: %j', async (args, reason) => {
  const { code, stdout, stderr } = await token(...args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(reason);
  expect(stderr).toContain('npm run token -- --help');
  expect(stderr).not.toContain('    at ');
});

test('without a running issuer it says how to start one; help needs none', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'orders-issuer-'));
  const refused = await script('token.ts', ['--operator', '--directory', empty]);
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toContain('AUTH=local npm start');
  const help = await script('token.ts', ['--help', '--directory', empty]);
  expect([help.code, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('--customer <id>');
  rmSync(empty, { recursive: true });
});

test('auth:keys prints the keys of an issuer, and no other line, as AUTH_JWKS takes them', async () => {
  const { code, stdout, stderr } = await script('auth-keys.ts', [issuer]);
  expect([code, stderr]).toEqual([0, '']);
  const given = JSON.parse(stdout);
  const settings = { ...SETTINGS, issuer, audience: [AUDIENCE] };
  const keys = createKeys({ given }, systemClock);
  const read = createTokens({ settings, keys, clock: systemClock });
  expect(await read(await tokenOf('--operator'))).toMatchObject({ kind: 'operator' });
  expect(await script('auth-keys.ts', [], { AUTH_ISSUER: issuer })).toMatchObject({ stdout });
  const url = { AUTH_ISSUER: 'https://issuer.example', AUTH_JWKS_URL: `${issuer}/jwks` };
  expect(await script('auth-keys.ts', [], url)).toMatchObject({ stdout });
});

test.each<[string[], RegExp]>([
  [[], /Give one issuer/],
  [['http://issuer.example'], /http:\/\/issuer.example is no safe address .* https/],
  [['issuer.example'], /no safe address/],
  [[`${issuer}/other`], /openid-configuration: it answers 404/],
  [['http://127.0.0.1:1'], /127.0.0.1:1\/.well-known.*: \S/],
])('auth:keys says why there are none: %j', async (args, reason) => {
  const { code, stdout, stderr } = await script('auth-keys.ts', args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(reason);
  expect(stderr).not.toContain('    at ');
});

test('it ends by itself at a signal, and says when its port is taken', async () => {
  const child = await start(await freePort());
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  const taken = await script('issuer.ts', [String(port), directory]);
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  expect((await script('issuer.ts', [])).stderr).toContain('a port and the folder');
});

test('of many that make the first key at once, all get the same one', async () => {
  const fresh = mkdtempSync(join(tmpdir(), 'orders-issuer-'));
  const all = await Promise.all(Array.from({ length: 8 }, () => signingKeys(fresh)));
  expect(new Set(all.flat().map(({ kid }) => kid)).size).toBe(1);
  expect(readdirSync(fresh)).toEqual(['issuer-keys.json']);
  rmSync(fresh, { recursive: true });
});

test('keys that cannot be read are named, not replaced', async () => {
  const broken = mkdtempSync(join(tmpdir(), 'orders-issuer-'));
  const file = join(broken, 'issuer-keys.json');
  writeFileSync(file, '{"keys":[]}');
  await expect(signingKeys(broken)).rejects.toThrow(`${file} does not hold the keys`);
  expect(readFileSync(file, 'utf8')).toBe('{"keys":[]}');
  rmSync(broken, { recursive: true });
});
