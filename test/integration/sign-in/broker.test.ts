import tls from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import type { SignIn } from '../../../lib/config.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { securityOf } from '../../../lib/kafka/sign-in.ts';
import {
  startSecureKafka,
  USERS,
} from '../../../plugins/kafka-event-source/test/support/secure-kafka.ts';

const signIn = (way: 'scram' | 'mtls'): SignIn => ({ way, region: 'r', secretArn: 'arn:s' });
const trusted = tls.getCACertificates('default');

let kafka: Awaited<ReturnType<typeof startSecureKafka>>;

beforeAll(async () => {
  kafka = await startSecureKafka();
  tls.setDefaultCACertificates([...trusted, kafka.authority.certificate]);
}, 120_000);

afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  await kafka?.stop();
});

/** Connects as the functions do, with a secret of the test's own. */
async function topicsAs(way: 'scram' | 'mtls', secret: object) {
  const security = await securityOf(signIn(way), async () => JSON.stringify(secret));
  const brokers = way === 'scram' ? kafka.sasl : kafka.mtls;
  const quiet = { retry: { retries: 0 }, logLevel: logLevel.NOTHING };
  const admin = new Kafka({ clientId: 'test', brokers, ...security, ...quiet }).admin();
  try {
    await admin.connect();
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

test('a user of the secret signs in by SCRAM over TLS; a wrong password does not', async () => {
  expect(await topicsAs('scram', { username: 'alice', password: USERS.alice })).toEqual(
    expect.any(Array),
  );
  await expect(topicsAs('scram', { username: 'alice', password: 'wrong' })).rejects.toThrow(
    /authentication failed/i,
  );
}, 60_000);

test('the certificate of the secret signs in; one of another authority does not', async () => {
  const { certificate, privateKey } = kafka.authority.issue('client');
  expect(await topicsAs('mtls', { certificate, privateKey })).toEqual(expect.any(Array));
  const { createAuthority } = await import(
    '../../../plugins/kafka-event-source/test/support/certificate.ts'
  );
  const stranger = createAuthority('stranger').issue('client');
  await expect(topicsAs('mtls', stranger)).rejects.toThrow();
}, 60_000);

test('a secret that cannot be read counts as Kafka being away', async () => {
  const producer = createProducer(kafka.sasl, signIn('scram'));
  await expect(producer.send('t', [{ key: 'k', value: 'v' }], 5_000)).rejects.toMatchObject({
    code: 'KAFKA_AWAY',
    message: expect.stringContaining('arn:s'),
  });
}, 30_000);
