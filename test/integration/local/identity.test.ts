import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { freePort, isFree } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { Run } from './run.ts';

const written = (run: Run) => JSON.parse(readFileSync(join(run.directory, 'env.json'), 'utf8'));

test('with AUTH=local an issuer runs, is written down for other terminals, and ends with the rest', async () => {
  await using run = await Run.create();
  const port = await freePort();
  // The shell is set for a deployment, which has another issuer.
  const deployment = {
    AUTH_ISSUER: 'https://issuer.example',
    AUTH_AUDIENCE: 'shop',
    AUTH_JWKS_URL: 'https://issuer.example/keys',
    AUTH_SCOPE_PREFIX: 'orders/',
  };
  const env = { ...deployment, AUTH: 'local', ISSUER_PORT: String(port) };
  await run.start(env).says(/^ready/m);
  const issuer = `http://127.0.0.1:${port}`;
  expect(run.output).toContain(`Callers need a token of ${issuer}: npm run token.`);
  expect(written(run)).toMatchObject({
    AUTH: 'local',
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: 'orders',
    AUTH_JWKS_URL: '',
    AUTH_SCOPE_PREFIX: '',
  });
  const metadata = await fetch(`${issuer}/.well-known/openid-configuration`);
  expect(await metadata.json()).toMatchObject({ issuer });
  process.kill(-run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
  await run.leavesNothing();
  expect(await isFree(port)).toBe(true);
});

test('without AUTH the line that says ready says once that nobody needs a token', async () => {
  await using run = await Run.create();
  await run.start({ AUTH: '' }).says(/^ready/m);
  expect(run.output.match(/AUTH=off/g)).toHaveLength(1);
  expect(written(run)).toMatchObject({ AUTH: 'off', AUTH_ISSUER: '' });
  process.kill(run.pid, 'SIGTERM');
  expect(await run.ended()).toBe(0);
});
