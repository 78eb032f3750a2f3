import { expect, test } from '@jest/globals';
import type { Connection, Mapping } from '../mapping.ts';
import { createAuthority } from '../test/support/certificate.ts';
import { createSecretReader } from './secret.ts';
import { securityOf } from './security.ts';

const secrets = {
  login: { username: 'alice', password: 'hunter2' },
  numbers: { username: 'alice', password: 2 },
} as const;
const readSecret = async (uri: string) => JSON.stringify(secrets[uri as keyof typeof secrets]);

const mapping = (changes: Partial<Mapping> = {}, connection: Partial<Connection> = {}) => ({
  access: [],
  connection: { useDeployedAccess: true, secrets: {}, ...connection },
  endpoints: { region: 'eu-central-1' },
  source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'a:1' } as const,
  ...changes,
});
const of = (type: string) => ({ access: [{ type, uri: 'login' }] });

test.each([
  ['BASIC_AUTH', 'plain'],
  ['SASL_SCRAM_256_AUTH', 'scram-sha-256'],
  ['SASL_SCRAM_512_AUTH', 'scram-sha-512'],
])('%s is SASL %s over TLS', async (type, mechanism) => {
  const security = await securityOf(mapping(of(type)), readSecret);
  expect(security).toEqual({ ssl: {}, sasl: { mechanism, ...secrets.login } });
});

test('a mapping inside a VPC without authentication is plaintext', async () => {
  const access = [
    { type: 'VPC_SUBNET', uri: 'subnet:subnet-1' },
    { type: 'VPC_SECURITY_GROUP', uri: 'security_group:sg-1' },
  ];
  expect(await securityOf(mapping({ access }), readSecret)).toEqual({});
});

test('MSK without a secret is accessed by IAM', async () => {
  const source = {
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:aws:kafka:x',
    bootstrapServers: 'a:1',
  } as const;
  const security = await securityOf(mapping({ source }), readSecret);
  expect(security).toMatchObject({ ssl: {}, sasl: { mechanism: 'oauthbearer' } });
});

test('of several mechanisms PLAIN comes first, then SCRAM-256, then SCRAM-512; a certificate is used with any', async () => {
  const types = ['SASL_SCRAM_512_AUTH', 'SASL_SCRAM_256_AUTH', 'BASIC_AUTH'];
  const client = { type: 'CLIENT_CERTIFICATE_TLS_AUTH', uri: 'client' };
  const pair = createAuthority('test').issue('client');
  const read = async (uri: string) => (uri === 'client' ? JSON.stringify(pair) : readSecret(uri));
  const taken = await Promise.all(
    types.map(async (_, index) => {
      const access = types.slice(0, index + 1).map((type) => ({ type, uri: 'login' }));
      return securityOf(mapping({ access: [...access, client] }), read);
    }),
  );
  expect(taken.map(({ sasl }) => sasl?.mechanism)).toEqual([
    'scram-sha-512',
    'scram-sha-256',
    'plain',
  ]);
  for (const { ssl } of taken) expect(ssl).toMatchObject({ cert: pair.certificate });
});

test('a local setting wins over a deployed one', async () => {
  const deployed = of('SASL_SCRAM_512_AUTH');
  const at = (connection: Partial<Connection>) =>
    securityOf(mapping(deployed, connection), readSecret);
  const sasl = { mechanism: 'plain', username: 'bob', password: 'b' } as const;
  expect(await at({ useDeployedAccess: false })).toEqual({});
  expect(await at({ sasl })).toEqual({ ssl: {}, sasl });
  expect((await at({ ssl: false })).ssl).toBeUndefined();
  expect((await at({ ssl: { rejectUnauthorized: false } })).ssl).toEqual({
    rejectUnauthorized: false,
  });
});

test('the error of an incomplete secret names the members, and quotes no text', async () => {
  const access = [{ type: 'BASIC_AUTH', uri: 'numbers' }];
  await expect(securityOf(mapping({ access }), readSecret)).rejects.toThrow(
    'secret numbers: its JSON needs password as text that is not empty.',
  );
});

test('a secret is read from the variable that is set for it', async () => {
  const name = 'SECRET_OF_A_TEST';
  const read = createSecretReader(mapping({}, { secrets: { login: { environment: name } } }));
  await expect(read('login')).rejects.toThrow(`the environment has no ${name}`);
  process.env[name] = JSON.stringify(secrets.login);
  expect(await read('login')).toBe(JSON.stringify(secrets.login));
  delete process.env[name];
});

test('a file that cannot be read is named', async () => {
  const read = createSecretReader(mapping({}, { secrets: { login: { file: '/no/such/file' } } }));
  await expect(read('login')).rejects.toThrow('/no/such/file cannot be read (ENOENT)');
});

test('a CA certificate that is not a certificate is refused', async () => {
  const access = [{ type: 'SERVER_ROOT_CA_CERTIFICATE', uri: 'ca' }];
  const read = async () => JSON.stringify({ certificate: 'no certificate' });
  await expect(securityOf(mapping({ access }), read)).rejects.toThrow(/CA certificate cannot be/);
});
