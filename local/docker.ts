import { join } from 'node:path';
import type { Supervisor, Task } from '../plugins/kafka-event-source/broker/supervise.ts';
import { addressesOn } from './backend.ts';

const file = join(import.meta.dirname, '../docker-compose.yml');
const PULL = 15 * 60_000;

export type DockerOptions = {
  supervisor: Supervisor;
  kafkaPort: number;
  dynamoPort: number;
  uiPort: number;
  say(line: string): void;
};

/** Starts the services of docker-compose.yml and waits until they are healthy. */
export async function startDocker({
  supervisor,
  kafkaPort,
  dynamoPort,
  uiPort,
  say,
}: DockerOptions) {
  const env = {
    KAFKA_PORT: String(kafkaPort),
    DYNAMODB_PORT: String(dynamoPort),
    KAFKA_UI_PORT: String(uiPort),
  };
  const compose = (name: string, ...args: string[]): Task => {
    return { name, command: 'docker', args: ['compose', '-f', file, ...args], env };
  };
  say('Docker: starting Kafka, LocalStack and the Kafka UI; images are pulled the first time');
  say("LocalStack's free edition keeps nothing: table and topics are made again, orders are gone");
  // Before the start, so that a start that fails half-way is taken back, too.
  supervisor.atEnd(compose('compose-down', 'down', '--timeout', '4'));
  const { code, how } = await supervisor.run(compose('compose-up', 'up', '-d', '--wait'), PULL)
    .ended;
  if (code !== 0) {
    throw new Error(
      `docker compose up failed (${how}): see its output above, and "docker compose logs".`,
    );
  }
  say(`Kafka UI on http://localhost:${uiPort}`);
  return addressesOn({ kafkaPort, dynamoPort });
}

/** The command that removes the containers and their volumes. */
export const composeReset = ['compose', '-f', file, 'down', '--volumes', '--timeout', '4'];
