import { mkdirSync } from 'node:fs';
import { dynamodbAnswers, dynamodbTask } from './dynamodb.ts';
import { fetchJars, jarFolder, type Service } from './jars.ts';
import { kafkaAnswers, kafkaTask } from './kafka.ts';
import { checkPorts } from './ports.ts';
import { type Supervisor, supervise, type Task, whileRunning } from './supervise.ts';
import { until } from './wait.ts';

export type Backend = {
  kafkaBrokers: string;
  dynamoEndpoint: string;
  supervisor: Supervisor;
  stop(): Promise<void>;
};

export type BackendOptions = {
  /** Holds data/ and logs/; made when missing. */
  directory: string;
  kafkaPort: number;
  dynamoPort: number;
  services?: readonly Service[];
  /** The one that runs the services; a new one by default. */
  supervisor?: Supervisor;
  say(line: string): void;
};

const LIMIT = 60_000;

/** Starts Kafka and DynamoDB Local as processes that end with this one, and waits until both answer. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { directory, kafkaPort, dynamoPort, services = ['kafka', 'dynamodb'], say } = options;
  const kafkaBrokers = `localhost:${kafkaPort}`;
  const dynamoEndpoint = `http://localhost:${dynamoPort}`;
  const jars = { kafka: jarFolder('kafka'), dynamodb: jarFolder('dynamodb') };
  const start = {
    kafka: async () => {
      const task = await kafkaTask(jars.kafka, directory, kafkaPort);
      await ready(task, `Kafka on ${kafkaBrokers}`, () => kafkaAnswers(kafkaBrokers));
    },
    dynamodb: async () => {
      const task = dynamodbTask(jars.dynamodb, directory, dynamoPort);
      await ready(task, `DynamoDB on ${dynamoEndpoint}`, () => dynamodbAnswers(dynamoEndpoint));
    },
  };
  const ready = async (task: Task, what: string, check: () => Promise<true | undefined>) => {
    const child = supervisor.run(task);
    await whileRunning(task, child, (signal) => until(`${what} to answer`, LIMIT, check, signal));
    say(`${what} answers`);
  };

  const supervisor = options.supervisor ?? supervise(directory);
  try {
    await checkPorts(portsOf(services, kafkaPort, dynamoPort));
    // One after the other: Maven's own store is not made for two at once.
    for (const service of services) await fetchJars(service, say);
    mkdirSync(directory, { recursive: true });
    await Promise.all(services.map((service) => start[service]()));
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return { kafkaBrokers, dynamoEndpoint, supervisor, stop: () => supervisor.stop() };
}

/** The ports of the services, in the form that checkPorts takes. */
export function portsOf(services: readonly Service[], kafkaPort: number, dynamoPort: number) {
  const ports = {
    kafka: { what: 'Kafka', port: kafkaPort, change: 'KAFKA_PORT' },
    dynamodb: { what: 'DynamoDB', port: dynamoPort, change: 'DYNAMODB_PORT' },
  };
  return Object.fromEntries(services.map((service) => [ports[service].what, ports[service]]));
}
