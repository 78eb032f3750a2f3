// A function as deployed, and the tools of its stage: the secret in AWS's Secrets Manager (moto's), a broker
// with SCRAM over TLS and an authority of its own, whose certificate is packaged.
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Kafka, logLevel } from 'kafkajs';
import {
  startSecureKafka,
  USERS,
} from '../../plugins/kafka-event-source/test/support/secure-kafka.ts';
import { startLambda } from '../runtime/lambda.ts';
import { type PackagedFunction, packageStage } from '../runtime/package.ts';
import { ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { until } from '../support/until.ts';
import { startMock } from './mock.ts';

const STAGE = 'pr-12';
const TOPIC = `order-events-${STAGE}`;
const AUTHORITY = '.local/test-deploy/kafka-ca.pem';

let kafka: Awaited<ReturnType<typeof startSecureKafka>>;
let mock: Awaited<ReturnType<typeof startMock>>;
let values: Record<string, string> = {};
let packaged: Awaited<ReturnType<typeof packageStage>>;
const open: { disconnect(): Promise<void> }[] = [];

before(async () => {
  [kafka, mock] = await Promise.all([startSecureKafka(), startMock()]);
  await mkdir(join(ROOT, AUTHORITY, '..'), { recursive: true });
  await writeFile(join(ROOT, AUTHORITY), kafka.authority.certificate);
});

after(async () => {
  for (const connection of open) await connection.disconnect();
  await packaged?.remove();
  await rm(join(ROOT, AUTHORITY, '..'), { recursive: true, force: true });
  await Promise.all([kafka?.stop(), mock?.stop()]);
});

async function createSecret(name: string, value: object): Promise<string> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SecretsManagerClient({
    endpoint: mock.endpoint,
    region: 'us-east-1',
    credentials,
  });
  const SecretString = JSON.stringify(value);
  const { ARN = '' } = await client.send(new CreateSecretCommand({ Name: name, SecretString }));
  client.destroy();
  return ARN;
}

async function connectAdmin() {
  const client = { clientId: 'test', brokers: [kafka.brokers], logLevel: logLevel.NOTHING };
  const admin = new Kafka(client).admin();
  await admin.connect();
  open.push(admin);
  return admin;
}

function find(key: string): PackagedFunction {
  const found = packaged.functions.find((one) => one.key === key);
  if (!found) throw new Error(`${key} is not packaged`);
  return found;
}

/** A command for the stage, from where the brokers can be reached. */
async function tool(...command: string[]): Promise<string> {
  const ca = { NODE_EXTRA_CA_CERTS: join(ROOT, AUTHORITY) };
  const env = { ...values, ...mock.environment, ...ca };
  const { code, stdout, stderr } = await sls([...command, '--stage', STAGE], env);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

test('createOrder reads its secret, signs in and publishes; with another password the order waits', async () => {
  values = {
    KAFKA_KIND: 'self-managed-scram',
    KAFKA_BROKERS: kafka.sasl.join(','),
    KAFKA_SECRET_ARN: await createSecret('kafka', { username: 'alice', password: USERS.alice }),
    KAFKA_CA_SECRET_ARN: await createSecret('ca', { certificate: kafka.authority.certificate }),
    KAFKA_CA_FILE: AUTHORITY,
    SES_IDENTITY: 'example.com',
    NOTIFICATION_FROM: 'orders@example.com',
    ALARM_EMAIL: 'alarms@example.com',
    AUTH: 'off',
  };
  await tool('deploy');
  packaged = await packageStage(STAGE, values);
  assert.match(await tool('topics'), new RegExp(`^${TOPIC}: made$`, 'm'));
  const admin = await connectAdmin();
  const published = async () => {
    const partitions = await admin.fetchTopicOffsets(TOPIC);
    return partitions.reduce((sum, { high }) => sum + Number(high), 0);
  };
  const order = JSON.parse(await readFile(join(ROOT, 'events/createOrder.json'), 'utf8'));
  let placed = '';
  const place = async (changes: Record<string, string>) => {
    const lambda = await startLambda(find('createOrder'), { ...mock.environment, ...changes });
    try {
      const outcome = await lambda.invoke(order);
      const answer = 'answer' in outcome ? Object(outcome.answer) : {};
      assert.equal(answer.statusCode, 201, lambda.log());
      placed = JSON.parse(answer.body).data.id;
      return await until('an event, or that Kafka is away', async () => {
        if ((await published()) > 0) return 'published';
        return lambda.log().includes('KAFKA_AWAY') ? 'away' : undefined;
      });
    } finally {
      await lambda.stop();
    }
  };
  const wrong = await createSecret('wrong', { username: 'alice', password: 'wrong' });
  assert.equal(await place({ KAFKA_SECRET_ARN: wrong }), 'away');
  assert.equal(await place({ NODE_EXTRA_CA_CERTS: '' }), 'away');
  assert.equal(await place({}), 'published');

  assert.match(await tool('replay', '--order', placed), /Dry run: 1 event of 1 order would/);
  assert.match(
    await tool('resend'),
    new RegExp(`Dry run: 0 notifications of table orders-${STAGE} `),
  );
  const letters = await tool('kafka', 'redrive');
  assert.match(letters, new RegExp(`Dry run: 0 of order-events-dlq-${STAGE} on ${kafka.sasl}`));
});
