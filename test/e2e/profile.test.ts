import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { createProfiles } from '../support/profiles.ts';
import { sls } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';

let bench: OrderBench;
let profiles: Awaited<ReturnType<typeof createProfiles>>;

beforeAll(async () => {
  bench = await createOrderBench();
  profiles = await createProfiles();
});

afterAll(async () => {
  await bench?.close();
  await profiles?.remove();
});

test.each([
  ['an SSO profile that is not signed in', { AWS_PROFILE: 'sso' }, []],
  ['a profile that asks for a code', { AWS_PROFILE: 'mfa' }, []],
  ['a profile that is not there', { AWS_PROFILE: 'gone' }, []],
  ['a default profile that is not there', { AWS_DEFAULT_PROFILE: 'gone' }, []],
  ['a profile for the stage', { AWS_LOCAL_PROFILE: 'mfa' }, []],
  ['a profile on the command line', {}, ['--aws-profile', 'sso']],
])('%s does not keep a function from running here', async (_, env, args) => {
  const { code, stdout, stderr } = await sls(
    ['invoke', 'local', '-f', 'createOrder', '-p', 'events/createOrder.json', ...args],
    { ...environmentOf(bench), ...profiles.environment, ...env },
  );
  expect(stdout).toContain('"statusCode": 201');
  expect(stdout + stderr).not.toMatch(/profile|login|MFA/i);
  expect(code).toBe(0);
});

const period = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'];

test.each([
  [
    'an SSO profile that is not signed in',
    'sso',
    [['topics'], ['kafka', 'status'], ['kafka', 'redrive']],
  ],
  ['a profile that asks for a code', 'mfa', [['replay', ...period], ['resend']]],
  [
    'a profile that is not there',
    'gone',
    [
      ['kafka', 'generate-event', '--kind', 'tombstone'],
      ['kafka', 'redrive', '--all'],
      ['replay', ...period, '--yes'],
    ],
  ],
])('%s does not keep commands from running here', async (_, profile, commands) => {
  const env = { ...environmentOf(bench), ...profiles.environment, AWS_PROFILE: profile };
  const results = await Promise.all(commands.map((command) => sls(command, env)));
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    expect([commands[index], code, stderr]).toEqual([commands[index], 0, expect.any(String)]);
    expect(stdout).not.toBe('');
    expect(stdout + stderr).not.toMatch(/profile|login|MFA/i);
  }
});
