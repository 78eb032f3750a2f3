import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, type ServiceName, serviceNames, startBackend } from '../../local/backend.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { supervise } from '../../plugins/kafka-event-source/broker/supervise.ts';

declare global {
  /** The services that the setups of jest's projects have started. */
  var backends: Backend[] | undefined;
  /** The broker of the emulator's own tests, which start it where they run alone. */
  var testBroker: { stop(): Promise<void> } | undefined;
  var testDatabase: { stop(): Promise<void> } | undefined;
}

/**
 * Jest's global setup: Kafka and DynamoDB Local, once for all tests, on free ports and in a folder
 * of their own that goes with them. The tests find the addresses in the environment, as functions do.
 * LOCAL_BACKEND=none uses the addresses given; TEST_DYNAMODB_ENDPOINT stands in for DynamoDB Local.
 */
export async function setup() {
  await startForTests(serviceNames);
}

/** Starts those of the services that no other project's setup has started. */
export async function startForTests(wanted: readonly ServiceName[]): Promise<void> {
  process.env.AWS_REGION ??= 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  if (process.env.LOCAL_BACKEND === 'none') return demandAddresses(wanted);

  const { TEST_DYNAMODB_ENDPOINT } = process.env;
  if (TEST_DYNAMODB_ENDPOINT) process.env.DYNAMODB_ENDPOINT = TEST_DYNAMODB_ENDPOINT;
  const isThere: Record<ServiceName, unknown> = {
    kafka: globalThis.testBroker,
    dynamodb: TEST_DYNAMODB_ENDPOINT ?? globalThis.testDatabase,
  };
  const services = wanted.filter((name) => !isThere[name]);
  if (services.length === 0) return;
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), 'orders-test-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const backend = await startBackend({
    directory,
    kafkaPort,
    dynamoPort,
    services,
    supervisor,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  globalThis.backends = [...(globalThis.backends ?? []), backend];
  if (services.includes('kafka')) {
    globalThis.testBroker = backend;
    process.env.KAFKA_BROKERS = backend.kafkaBrokers;
  }
  if (services.includes('dynamodb')) {
    globalThis.testDatabase = backend;
    process.env.DYNAMODB_ENDPOINT = backend.dynamoEndpoint;
  }
}

const ADDRESSES: Record<ServiceName, string> = {
  kafka: 'KAFKA_BROKERS',
  dynamodb: 'DYNAMODB_ENDPOINT',
};

function demandAddresses(services: readonly ServiceName[]) {
  for (const name of services.map((service) => ADDRESSES[service])) {
    if (!process.env[name]) throw new Error(`LOCAL_BACKEND=none needs ${name}: set its address.`);
  }
}

// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default setup;
