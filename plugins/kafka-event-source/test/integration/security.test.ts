import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs, { type AclResourceTypes } from 'kafkajs';
import { RESULTS } from '../../access/result.ts';
import { redrive } from '../../commands/redrive.ts';
import { readSelection } from '../../commands/redrive-options.ts';
import type { Access, Connection } from '../../mapping.ts';
import { loadClient } from '../../protocol/client.ts';
import { createLedTopics } from '../../topics.ts';
import { createAuthority, encrypt } from '../support/certificate.ts';
import { startSecureKafka, USERS } from '../support/secure-kafka.ts';
import { Bench, until, values } from './bench.ts';

let kafka: Awaited<ReturnType<typeof startSecureKafka>>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-security-'));
  kafka = await startSecureKafka();
}, 120_000);

afterAll(async () => {
  await kafka?.stop();
  await rm(folder, { recursive: true });
});

const { AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } = kafkajs;

const arn = (name: string) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}`;
const login = (username: keyof typeof USERS, password: string = USERS[username]) => ({
  username,
  password,
});
const authority = () => ({ certificate: kafka.authority.certificate });

/** Access configurations with their secrets in files. */
function access(secrets: Readonly<Record<string, object | string>>) {
  const list: Access[] = [];
  const sources: Record<string, { file: string }> = {};
  for (const [type, secret] of Object.entries(secrets)) {
    const file = join(folder, crypto.randomUUID());
    writeFileSync(file, typeof secret === 'string' ? secret : JSON.stringify(secret));
    list.push({ type, uri: arn(type) });
    sources[arn(type)] = { file };
  }
  const connection: Connection = { useDeployedAccess: true, secrets: sources };
  return { access: list, connection };
}

async function start(changes: Parameters<Bench['poll']>[1]) {
  const bench = new Bench([kafka.brokers]);
  await bench.createTopic();
  await bench.produceCount(1);
  const lambda = await bench.lambda();
  const poller = bench.poll(lambda, changes);
  const lastResult = () => poller.stats.snapshot().lastResult;
  return { bench, lambda, lastResult };
}

async function receives(changes: Parameters<Bench['poll']>[1]) {
  const { bench, lambda } = await start(changes);
  await using _ = bench;
  await until('the record', () => values(lambda).length === 1, { seen: () => bench.log });
  await until('the commit', async () => (await bench.committed()) === 1);
  return bench.log.join('\n');
}

/** Polls without success, and returns the first reported failure. */
async function fails(changes: Parameters<Bench['poll']>[1]) {
  const { bench, lambda } = await start(changes);
  await using _ = bench;
  const reported = () => bench.log.find((line) => /^(warning|error)/.test(line));
  await until('a failure', () => reported() !== undefined, { seen: () => bench.log });
  expect(values(lambda)).toEqual([]);
  return { reported: reported() ?? '', log: bench.log.join('\n') };
}

test.each(['BASIC_AUTH', 'SASL_SCRAM_256_AUTH', 'SASL_SCRAM_512_AUTH'])(
  'a mapping with %s and a private CA gets its records over TLS',
  async (type) => {
    const secured = access({ [type]: login('alice'), SERVER_ROOT_CA_CERTIFICATE: authority() });
    const log = await receives({ bootstrapServers: kafka.sasl, ...secured });
    expect(log).not.toContain(USERS.alice);
  },
);

test.each(['BASIC_AUTH', 'SASL_SCRAM_256_AUTH', 'SASL_SCRAM_512_AUTH'])(
  'the password of %s may have quotes and backslashes',
  async (type) => {
    expect(USERS.quentin).toMatch(/".*\\"/);
    const secured = access({ [type]: login('quentin'), SERVER_ROOT_CA_CERTIFICATE: authority() });
    const log = await receives({ bootstrapServers: kafka.sasl, ...secured });
    expect(log).not.toContain(USERS.quentin);
  },
);

test('a client certificate gets its records, its key encrypted or not', async () => {
  const client = kafka.authority.issue('client');
  const plain = { certificate: client.certificate, privateKey: client.privateKey };
  const privateKeyPassword = 'of the key';
  const encrypted = { ...plain, privateKey: encrypt(client.privateKey, privateKeyPassword) };
  for (const secret of [plain, { ...encrypted, privateKeyPassword }]) {
    const secured = access({
      CLIENT_CERTIFICATE_TLS_AUTH: secret,
      SERVER_ROOT_CA_CERTIFICATE: authority(),
    });
    await receives({ bootstrapServers: kafka.mtls, ...secured });
  }
});

test('local servers are reached in plaintext, even with deployed access', async () => {
  const { access: list } = access({ SASL_SCRAM_512_AUTH: login('alice') });
  await receives({ access: list, connection: { useDeployedAccess: false, secrets: {} } });
});

test('local files and a local login are used in place of secrets', async () => {
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, kafka.authority.certificate);
  const sasl = { mechanism: 'scram-sha-256' as const, ...login('alice') };
  const connection: Connection = { useDeployedAccess: false, ssl: { ca }, sasl, secrets: {} };
  await receives({ bootstrapServers: kafka.sasl, connection });
});

test("a wrong password is reported with AWS's message, and tried until it is right", async () => {
  const wrong = access({
    SASL_SCRAM_512_AUTH: login('alice', 'wrong-password'),
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const { bench, lambda, lastResult } = await start({ bootstrapServers: kafka.sasl, ...wrong });
  await using _ = bench;
  const reported = () => bench.log.find((line) => line.includes(RESULTS.sasl));
  await until('the message', () => reported() !== undefined, { seen: () => bench.log });
  expect(lastResult()).toBe(RESULTS.sasl);
  expect(bench.log.join('\n')).not.toContain('wrong-password');
  const secret = wrong.connection.secrets[arn('SASL_SCRAM_512_AUTH')] as { file: string };
  writeFileSync(secret.file, JSON.stringify(login('alice')));
  await until('the record', () => values(lambda).length === 1, { seen: () => bench.log });
  await until('the result', () => lastResult() === RESULTS.ok);
});

test("a user without the right to read gets AWS's message about authorization", async () => {
  const secured = access({
    SASL_SCRAM_256_AUTH: login('mallory'),
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const { reported } = await fails({ bootstrapServers: kafka.sasl, ...secured });
  expect(reported).toContain(RESULTS.notAuthorized);
});

/** Gives mallory a right. */
async function allow(
  { admin }: Bench,
  resourceType: AclResourceTypes,
  resourceName: string,
  operation: kafkajs.AclOperationTypes,
): Promise<void> {
  const resourcePatternType = ResourcePatternTypes.LITERAL;
  const permissionType = AclPermissionTypes.ALLOW;
  const right = { resourceType, resourceName, resourcePatternType, operation, permissionType };
  await admin.createAcls({ acl: [{ ...right, principal: 'User:mallory', host: '*' }] });
}

test('a user who may read the topic and the group needs no right of the cluster', async () => {
  await using bench = new Bench([kafka.brokers]);
  await bench.createTopic();
  await bench.produceCount(1);
  await allow(bench, kafkajs.AclResourceTypes.TOPIC, bench.topic, AclOperationTypes.READ);
  await allow(bench, kafkajs.AclResourceTypes.GROUP, bench.groupId, AclOperationTypes.READ);
  const secured = access({
    SASL_SCRAM_512_AUTH: login('mallory'),
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const lambda = await bench.lambda();
  bench.poll(lambda, { bootstrapServers: kafka.sasl, ...secured });
  await until('the commit', async () => (await bench.committed()) === 1, {
    seen: () => bench.log,
  });
});

test('redrive tells which rights are missing; without those of transactions it puts letters back', async () => {
  await using bench = new Bench([kafka.brokers]);
  await bench.createTopic();
  const dead = `${bench.topic}-dlq`;
  await createLedTopics(bench.admin, [{ topic: dead }]);
  const record = { topic: bench.topic, partition: 0, offset: 5, value: 'dg==', headers: [] };
  const letter = {
    requestContext: { functionArn: 'arn', condition: 'RetriesExhausted' },
    timestamp: '2026-11-27T09:00:00Z',
    payload: { records: { [`${bench.topic}-0`]: [record] } },
  };
  await bench.produce([{ value: JSON.stringify(letter) }], dead);
  const { kafkajs: own } = loadClient();
  const client = new own.Kafka({
    brokers: kafka.sasl,
    ssl: { ca: [kafka.authority.certificate] },
    sasl: { mechanism: 'scram-sha-512', ...login('mallory') },
    logLevel: own.logLevel.NOTHING,
  });
  const notices: string[] = [];
  const run = async (options: object = {}) => {
    notices.length = 0;
    const { counts } = await redrive({
      kafka: client,
      servers: kafka.sasl,
      topic: dead,
      selection: readSelection({ all: true, ...options }),
      found: () => undefined,
      notice: (text) => notices.push(text),
    });
    return counts.redriven;
  };
  let failed = '';
  const failsBy = async (message: string) => {
    failed = await run().then(String, (error: Error) => error.message);
    return failed.endsWith(message);
  };
  const seen = () => failed;
  const { READ, WRITE } = AclOperationTypes;
  const { TOPIC, GROUP, TRANSACTIONAL_ID } = kafkajs.AclResourceTypes;
  const group = `kafka-redrive.${dead}`;
  await allow(bench, TOPIC, dead, READ);
  const ofGroup = `The user needs the right Read of the group ${group}.`;
  await until('the missing group', () => failsBy(ofGroup), { seen });
  await allow(bench, GROUP, group, READ);
  await allow(bench, TOPIC, bench.topic, READ);
  await until('the missing topic', () => failsBy('and Write of these.'), { seen });
  await allow(bench, TOPIC, bench.topic, WRITE);
  await until('the letter', async () => (await run()) === 1);
  expect(notices).toEqual([
    expect.stringContaining(`the rights Describe and Write of the transactional id ${group}`),
  ]);
  expect(await run()).toBe(0);
  await allow(bench, TRANSACTIONAL_ID, group, WRITE);
  await until('the transaction', async () => {
    await run({ again: true });
    return notices.length === 0;
  });
});

test('a server of an unknown authority is not trusted', async () => {
  const other = { certificate: createAuthority('another').certificate };
  const secured = access({
    SASL_SCRAM_512_AUTH: login('alice'),
    SERVER_ROOT_CA_CERTIFICATE: other,
  });
  const { reported } = await fails({ bootstrapServers: kafka.sasl, ...secured });
  expect(reported).toContain(RESULTS.distrusted);
});

test('an unknown client certificate is refused', async () => {
  const secured = access({
    CLIENT_CERTIFICATE_TLS_AUTH: createAuthority('another').issue('client'),
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const { reported } = await fails({ bootstrapServers: kafka.mtls, ...secured });
  expect(reported).toContain(RESULTS.refused);
});

test('a key that does not fit its certificate is reported before any connection', async () => {
  const { certificate } = kafka.authority.issue('client');
  const { privateKey } = kafka.authority.issue('client');
  const secured = access({
    CLIENT_CERTIFICATE_TLS_AUTH: { certificate, privateKey },
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const { reported, log } = await fails({ bootstrapServers: kafka.mtls, ...secured });
  expect(reported).toContain(RESULTS.certificate);
  expect(log).not.toContain('PRIVATE KEY');
});

test('a secret that is not JSON is named, and its text is not printed', async () => {
  const secured = access({
    SASL_SCRAM_512_AUTH: 'alice:hunter2',
    SERVER_ROOT_CA_CERTIFICATE: authority(),
  });
  const { reported, log } = await fails({ bootstrapServers: kafka.sasl, ...secured });
  expect(reported).toContain(`secret ${arn('SASL_SCRAM_512_AUTH')}: it is not JSON`);
  expect(log).not.toContain('hunter2');
});

test("secrets come from Secrets Manager's endpoint", async () => {
  const secrets = { login: login('alice'), ca: authority() };
  const asked: string[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request);
    const { SecretId } = JSON.parse(Buffer.concat(chunks as Buffer[]).toString());
    asked.push(`${request.headers['x-amz-target']} ${SecretId}`);
    const secret = SecretId === arn('login') ? secrets.login : secrets.ca;
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ ARN: SecretId, SecretString: JSON.stringify(secret) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await receives({
      bootstrapServers: kafka.sasl,
      access: [
        { type: 'SASL_SCRAM_512_AUTH', uri: arn('login') },
        { type: 'SERVER_ROOT_CA_CERTIFICATE', uri: arn('ca') },
      ],
      connection: { useDeployedAccess: true, secrets: {} },
      endpoints: { region: 'us-east-1', secretsManager: `http://127.0.0.1:${port}` },
    });
    expect([...new Set(asked)].sort()).toEqual([
      `secretsmanager.GetSecretValue ${arn('ca')}`,
      `secretsmanager.GetSecretValue ${arn('login')}`,
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
