import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackend } from '../../local/backend.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { supervise } from '../../plugins/kafka-event-source/broker/supervise.ts';

/** Kafka and DynamoDB Local on free ports; their folder goes when this process ends. */
export async function ownBackend(name: string, say: (line: string) => void = console.log) {
  const directory = await mkdtemp(join(tmpdir(), `orders-${name}-`));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const backend = await startBackend({ directory, kafkaPort, dynamoPort, supervisor, say });
  const { kafkaBrokers, dynamoEndpoint } = backend;
  return { backend, addresses: { brokers: [kafkaBrokers], dynamoEndpoint } };
}
