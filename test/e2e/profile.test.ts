import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { sls } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';

const CONFIG = `
[profile sso]
sso_session = shop
sso_account_id = 111122223333
sso_role_name = developer
region = eu-central-1

[sso-session shop]
sso_start_url = https://shop.invalid/start
sso_region = eu-central-1
sso_registration_scopes = sso:account:access

[profile base]
region = eu-central-1

[profile mfa]
role_arn = arn:aws:iam::111122223333:role/developer
source_profile = base
mfa_serial = arn:aws:iam::111122223333:mfa/somebody
`;
const KEYS = '[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n';

let bench: OrderBench;
let folder: string;

beforeAll(async () => {
  bench = await createOrderBench();
  folder = await mkdtemp(join(tmpdir(), 'orders-profile-'));
  await writeFile(join(folder, 'config'), CONFIG);
  await writeFile(join(folder, 'credentials'), KEYS);
});

afterAll(async () => {
  await bench?.close();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['an SSO profile that is not signed in', { AWS_PROFILE: 'sso' }, []],
  ['a profile that asks for a code', { AWS_PROFILE: 'mfa' }, []],
  ['a profile that is not there', { AWS_PROFILE: 'gone' }, []],
  ['a default profile that is not there', { AWS_DEFAULT_PROFILE: 'gone' }, []],
  ['a profile for the stage', { AWS_LOCAL_PROFILE: 'mfa' }, []],
  ['a profile on the command line', {}, ['--aws-profile', 'sso']],
])('%s does not keep a function from running here', async (_, env, args) => {
  const files = {
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  };
  const { code, stdout, stderr } = await sls(
    ['invoke', 'local', '-f', 'createOrder', '-p', 'events/createOrder.json', ...args],
    { ...environmentOf(bench), ...files, ...env },
  );
  expect(stdout).toContain('"statusCode": 201');
  expect(stdout + stderr).not.toMatch(/profile|login|MFA/i);
  expect(code).toBe(0);
});
