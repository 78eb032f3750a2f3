import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, serviceNames, startBackend } from '../../local/backend.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { supervise } from '../../plugins/kafka-event-source/broker/supervise.ts';

declare global {
  var backend: Backend | undefined;
  /** The broker of the emulator's own tests, which start it where they run alone. */
  var testBroker: { stop(): Promise<void> } | undefined;
}

/**
 * Jest's global setup: Kafka and DynamoDB Local, once for all tests, on free ports and in a folder
 * of their own that goes with them. The tests find the addresses in the environment, as functions do.
 * LOCAL_BACKEND=none uses the addresses given; TEST_DYNAMODB_ENDPOINT stands in for DynamoDB Local.
 */
export async function setup() {
  process.env.AWS_REGION ??= 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  if (process.env.LOCAL_BACKEND === 'none') return demandAddresses();

  const { TEST_DYNAMODB_ENDPOINT } = process.env;
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const directory = await mkdtemp(join(tmpdir(), 'orders-test-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const services = serviceNames.filter((name) =>
    name === 'kafka' ? !globalThis.testBroker : !TEST_DYNAMODB_ENDPOINT,
  );
  const backend = await startBackend({
    directory,
    kafkaPort,
    dynamoPort,
    services,
    supervisor,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  globalThis.backend = backend;
  if (!globalThis.testBroker) {
    globalThis.testBroker = backend;
    process.env.KAFKA_BROKERS = backend.kafkaBrokers;
  }
  process.env.DYNAMODB_ENDPOINT = TEST_DYNAMODB_ENDPOINT ?? backend.dynamoEndpoint;
}

function demandAddresses() {
  for (const name of ['KAFKA_BROKERS', 'DYNAMODB_ENDPOINT']) {
    if (!process.env[name]) throw new Error(`LOCAL_BACKEND=none needs ${name}: set its address.`);
  }
}

// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default setup;
