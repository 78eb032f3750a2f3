import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { readSettings } from '../../local/settings.ts';
import { kafkaImage, kafkaVariables } from '../../plugins/kafka-event-source/broker/docker.ts';

type Service = {
  image: string;
  ports: string[];
  environment: Record<string, unknown>;
  volumes?: string[];
  healthcheck?: { test: string[]; start_period: string };
};

type Compose = { services: Record<string, Service>; volumes: Record<string, unknown> };

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const compose: Compose = parse(read('docker-compose.yml'));
const services = Object.entries(compose.services);
const { kafka, localstack } = compose.services;

/** As Compose does it, with nothing in the environment. */
const withDefaults = (text: unknown) => `${text}`.replace(/\$\{\w+:-([^}]*)\}/g, '$1');

test('the file is valid by the schema of the Compose specification', () => {
  const schema = JSON.parse(read('node_modules/dclint/schemas/compose.schema.json'));
  // Ajv calls draft-07 by its http address; the formats are the specification's own.
  schema.$schema = 'http://json-schema.org/draft-07/schema#';
  const formats = { ports: true, expose: true, duration: true, subnet_ip_address: true } as const;
  const validate = new Ajv({ strict: false, allErrors: true, formats }).compile(schema);
  validate(compose);
  expect(validate.errors).toBeNull();
  expect(validate({ services: { kafka: { image: 1, helthcheck: {} } } })).toBe(false);
});

test.each(services)('%s: its image is pinned to one exact version', (_, { image }) => {
  expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+$/);
});

test.each(services)('%s: it has a health check, and time for the first start', (_, service) => {
  expect(service.healthcheck?.test[0]).toMatch(/^CMD/);
  expect(Number.parseInt(service.healthcheck?.start_period ?? '', 10)).toBeGreaterThanOrEqual(60);
});

test('the ports are those of npm start and of the contract, on this machine only', () => {
  const { KAFKA_PORT, DYNAMODB_PORT, KAFKA_UI_PORT } = readSettings({}, 'docker');
  expect([KAFKA_PORT, DYNAMODB_PORT]).toEqual([9092, 4566]);
  expect(services.map(([name, { ports }]) => [name, ports.map(withDefaults)])).toEqual([
    ['kafka', [`127.0.0.1:${KAFKA_PORT}:9092`]],
    ['localstack', [`127.0.0.1:${DYNAMODB_PORT}:4566`]],
    ['kafka-ui', [`127.0.0.1:${KAFKA_UI_PORT}:8080`]],
  ]);
});

test('Kafka sends clients on this machine to localhost, and containers to kafka', () => {
  const advertised = withDefaults(kafka?.environment.KAFKA_ADVERTISED_LISTENERS).split(',');
  expect(advertised).toEqual(['HOST://localhost:9092', 'CONTAINERS://kafka:19092']);
  const listeners = `${kafka?.environment.KAFKA_LISTENERS}`.split(',');
  expect(listeners).toEqual(expect.arrayContaining(['HOST://:9092', 'CONTAINERS://:19092']));
  expect(compose.services['kafka-ui']?.environment).toMatchObject({
    KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS: 'kafka:19092',
  });
});

test('Kafka is the version and has the settings of the one that Java runs', () => {
  expect(kafka?.image).toBe(kafkaImage());
  for (const [name, value] of Object.entries(kafkaVariables())) {
    expect([name, `${kafka?.environment[name]}`]).toEqual([name, value]);
  }
});

test('Kafka keeps its data in a named volume', () => {
  const [name, path] = kafka?.volumes?.[0]?.split(':') ?? [];
  expect(Object.keys(compose.volumes)).toContain(name);
  expect(kafka?.environment.KAFKA_LOG_DIRS).toBe(path);
});

test('LocalStack serves DynamoDB', () => {
  expect(`${localstack?.environment.SERVICES}`.split(',')).toContain('dynamodb');
});
