import { expect, test } from '@jest/globals';
import { loadApiConfig, loadConfig } from './config.ts';
import { AppError } from './errors.ts';

const complete = {
  AWS_REGION: 'eu-west-1',
  ORDERS_TABLE: 'orders',
  ORDER_EVENTS_TOPIC: 'order-events',
  ORDER_EVENTS_DLQ: 'order-events-dlq',
  KAFKA_BROKERS: 'a:9092,b:9092',
  AUTH: 'off',
  NOTIFICATION_EMAIL: 'mock',
  NOTIFICATION_SMS: 'mock',
};

function refusal(variables: Record<string, string | undefined>, load = loadConfig): AppError {
  try {
    load(variables);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('brokers are a list; what is not set stays away', () => {
  expect(loadConfig(complete)).toMatchObject({
    brokers: ['a:9092', 'b:9092'],
    dynamoEndpoint: undefined,
    fallback: undefined,
  });
});

test('every missing and every malformed variable is named', () => {
  const error = refusal({ ...complete, ORDERS_TABLE: '', KAFKA_BROKERS: 'nowhere' });
  expect(error.code).toBe('CONFIG');
  expect(error.message).toMatch(/ORDERS_TABLE.*KAFKA_BROKERS: host:port/);
});

test.each([
  'localhost:0',
  'localhost:65536',
  'localhost:port',
  'http://localhost:9092',
  'http://:9092',
  '//localhost:9092',
  'localhost',
  'a:9092,',
  'a:9092,,b:9092',
  ',a:9092',
])('the brokers %s are refused', (brokers) => {
  const { message } = refusal({ ...complete, KAFKA_BROKERS: brokers });
  expect(message).toContain(
    'KAFKA_BROKERS: host:port with a port from 1 to 65535, several joined by commas',
  );
});

test.each(['localhost:8000', '127.0.0.1:8000', 'ftp://localhost:8000', 'http://'])(
  'the address %s of a service over HTTP is refused',
  (address) => {
    for (const name of ['DYNAMODB_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']) {
      const { message } = refusal({ ...complete, [name]: address });
      expect(message).toContain(`${name}: an address such as http://localhost:8000`);
    }
  },
);

test('a function with callers refuses what is missing or wrong about them, together with all else', () => {
  expect(loadApiConfig(complete)).toMatchObject({
    brokers: ['a:9092', 'b:9092'],
    identity: { isDemanded: false, tokens: undefined },
  });
  const refused = (variables: Record<string, string>) =>
    refusal({ ...complete, ...variables }, loadApiConfig).message;
  expect(refused({ AUTH: '' })).toContain('AUTH: ');
  expect(refused({ AUTH: 'jwt' })).toContain('AUTH_ISSUER: AUTH=jwt needs it');
  const both = refused({ ORDERS_TABLE: '', AUTH_ISSUER: 'nonsense' });
  expect(both).toMatch(/ORDERS_TABLE.*AUTH_ISSUER/);
});

test('no variable about callers stops a function without callers', () => {
  const wrong = {
    AUTH: 'nonsense',
    AUTH_ISSUER: 'nonsense',
    AUTH_JWKS: '{',
    AUTH_ROLES_CLAIM: 'r',
  };
  expect(loadConfig({ ...complete, ...wrong })).toEqual(loadConfig(complete));
});

test('a limit needs the secret that hashes the names of its counters', () => {
  expect(loadConfig(complete).limits.ordersPerMinute).toBeUndefined();
  expect(refusal({ ...complete, HASH_SECRET: 'short' }).message).toContain('HASH_SECRET: 16');
  const limited = { ...complete, LIMIT_ORDERS_PER_MINUTE: '5' };
  expect(refusal(limited).message).toContain('HASH_SECRET: LIMIT_ORDERS_PER_MINUTE needs it');
  const HASH_SECRET = 's'.repeat(16);
  expect(loadConfig({ ...limited, HASH_SECRET }).limits.ordersPerMinute).toBe(5);
});

test('the providers are lists in their order, and what they need must be there', () => {
  const given = {
    ...complete,
    NOTIFICATION_EMAIL: 'ses,smtp',
    NOTIFICATION_SMS: 'sns',
    NOTIFICATION_FROM: 'Orders <orders@example.com>',
    SMTP_URL: 'smtp://localhost:1025',
  };
  expect(loadConfig(given).senders).toMatchObject({ email: ['ses', 'smtp'], sms: ['sns'] });
  const lacking = refusal({ ...given, NOTIFICATION_FROM: '', SMTP_URL: '' }).message;
  expect(lacking).toMatch(/NOTIFICATION_FROM: ses needs it.*SMTP_URL: smtp needs it/);
  for (const wrong of ['', 'ses,ses', 'ses, smtp', 'pigeon', 'sns']) {
    expect(refusal({ ...given, NOTIFICATION_EMAIL: wrong }).message).toContain(
      'NOTIFICATION_EMAIL',
    );
  }
});

test('traces are kept where a collector is named, a twentieth of them if nothing else is said', () => {
  expect(loadConfig({ ...complete, OTEL_TRACES_SAMPLER_ARG: '1' }).traces).toBeUndefined();
  const traced = { ...complete, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
  expect(loadConfig(traced).traces).toEqual({ ratio: 0.05 });
  expect(loadConfig({ ...traced, OTEL_TRACES_SAMPLER_ARG: '1' }).traces).toEqual({ ratio: 1 });
  expect(refusal({ ...traced, OTEL_TRACES_SAMPLER_ARG: '5' }).message).toContain('SAMPLER_ARG');
});

test('the kind of Kafka says how to sign in, and a secret must be there for it', () => {
  const region = complete.AWS_REGION;
  const secretArn = 'arn:aws:secretsmanager:eu-west-1:1:secret:kafka';
  const signIn = (KAFKA_KIND: string) =>
    loadConfig({ ...complete, KAFKA_KIND, KAFKA_SECRET_ARN: secretArn }).signIn;
  expect(loadConfig(complete).signIn).toEqual({ way: 'none' });
  expect(signIn('msk-iam')).toEqual({ way: 'iam', region });
  expect(signIn('msk-scram')).toEqual({ way: 'scram', region, secretArn });
  expect(signIn('self-managed-scram')).toEqual({ way: 'scram', region, secretArn });
  expect(signIn('self-managed-mtls')).toEqual({ way: 'mtls', region, secretArn });
  expect(refusal({ ...complete, KAFKA_KIND: 'msk-scram' }).message).toContain('KAFKA_SECRET_ARN');
  expect(refusal({ ...complete, KAFKA_KIND: 'msk' }).message).toContain('KAFKA_KIND');
});

test('links to unsubscribe need an address and a secret that nobody guesses', () => {
  const url = 'https://shop.example/api/unsubscribe/';
  const secrets = ['a'.repeat(16), 'b'.repeat(16)];
  const given = {
    ...complete,
    NOTIFICATION_UNSUBSCRIBE_URL: url,
    NOTIFICATION_UNSUBSCRIBE_SECRET: secrets.join(),
  };
  expect(loadConfig(given).unsubscribe).toEqual({ url, secrets });
  expect(loadConfig(complete).unsubscribe).toBeUndefined();
  const faults = (change: object) => refusal({ ...given, ...change }).message;
  expect(faults({ NOTIFICATION_UNSUBSCRIBE_SECRET: '' })).toContain('needs it');
  expect(faults({ NOTIFICATION_UNSUBSCRIBE_SECRET: `${secrets[0]},short` })).toContain('16');
  for (const wrong of [
    'http://shop.example/',
    'https://shop.example/u?order=',
    'ftp://localhost/',
  ]) {
    expect(faults({ NOTIFICATION_UNSUBSCRIBE_URL: wrong })).toContain('UNSUBSCRIBE_URL');
  }
});

test('mail goes without TLS only where the address says so, and stays on this machine', () => {
  const given = { ...complete, NOTIFICATION_EMAIL: 'smtp', NOTIFICATION_FROM: 'a@shop.example' };
  const urls = [
    'smtp://mail.shop.example:587',
    'smtps://a:b@mail.shop.example',
    'smtp://localhost:1025',
  ];
  for (const SMTP_URL of [
    ...urls,
    'smtp://a:b@localhost:1025?tls=no',
    'smtp://127.0.0.1:25/?tls=no',
  ]) {
    expect(loadConfig({ ...given, SMTP_URL }).senders.smtpUrl).toBe(SMTP_URL);
  }
  const wrong = ['smtp://a:b@mail.shop.example?tls=no', 'smtp://localhost.shop.example?tls=no'];
  for (const SMTP_URL of [
    ...wrong,
    'smtp://localhost?tls=off',
    'smtp://localhost@shop.example?tls=no',
  ]) {
    expect(refusal({ ...given, SMTP_URL }).message).toContain('?tls=no');
  }
});
