// A function as deployed: its secret in AWS's Secrets Manager (moto's), a broker with SCRAM over TLS and an
// authority of its own, whose certificate is packaged.
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
import { type PackagedFunction, packageProd } from '../runtime/package.ts';
import { ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { until } from '../support/until.ts';
import { startMock } from './mock.ts';

const AUTHORITY = '.local/test-deploy/kafka-ca.pem';

let kafka: Awaited<ReturnType<typeof startSecureKafka>>;
let mock: Awaited<ReturnType<typeof startMock>>;
let packaged: Awaited<ReturnType<typeof packageProd>>;
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

test('createOrder reads its secret, signs in and publishes; with another password the order waits', async () => {
  const [broker = ''] = kafka.sasl;
  const values = {
    KAFKA_KIND: 'self-managed-scram',
    KAFKA_BROKERS: broker,
    KAFKA_SECRET_ARN: await createSecret('kafka', { username: 'alice', password: USERS.alice }),
    KAFKA_CA_SECRET_ARN: await createSecret('ca', { certificate: kafka.authority.certificate }),
    KAFKA_CA_FILE: AUTHORITY,
    SES_IDENTITY: 'example.com',
    NOTIFICATION_FROM: 'orders@example.com',
    ALARM_EMAIL: 'alarms@example.com',
  };
  const deployed = await sls(['deploy', '--stage', 'prod'], { ...values, ...mock.environment });
  assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr);
  packaged = await packageProd(values);
  const admin = await connectAdmin();
  await admin.createTopics({ topics: [{ topic: 'order-events', numPartitions: 1 }] });
  const published = async () => Number((await admin.fetchTopicOffsets('order-events'))[0]?.high);
  const order = JSON.parse(await readFile(join(ROOT, 'events/createOrder.json'), 'utf8'));
  const place = async (changes: Record<string, string>) => {
    const lambda = await startLambda(find('createOrder'), { ...mock.environment, ...changes });
    try {
      const outcome = await lambda.invoke(order);
      assert.equal('answer' in outcome && Object(outcome.answer).statusCode, 201, lambda.log());
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
});
