import { mkdirSync } from 'node:fs';
import { kafkaAnswers, kafkaTask } from '../plugins/kafka-event-source/broker/kafka.ts';
import { checkPorts } from '../plugins/kafka-event-source/broker/ports.ts';
import {
  type Child,
  type Supervisor,
  supervise,
  whileRunning,
} from '../plugins/kafka-event-source/broker/supervise.ts';
import { until } from '../plugins/kafka-event-source/broker/wait.ts';
import { dynamodbAnswers, dynamodbTask } from './dynamodb.ts';
import { services as all, fetchJars, jarFolder, type Service } from './jars.ts';

export type BackendOptions = {
  /** Holds data/ and logs/; made when missing. */
  directory: string;
  kafkaPort: number;
  dynamoPort: number;
  services?: readonly Service[];
  /** Who runs the services; a new one by default. It is stopped when the start fails. */
  supervisor?: Supervisor;
  say(line: string): void;
};

export type Backend = {
  kafkaBrokers: string;
  dynamoEndpoint: string;
  /** The processes, each with its pid, which is its process group too, and its end. */
  children: Map<Service, Child>;
  /** Starts a service that has ended once more, on the same port and data. */
  start(service: Service): Promise<void>;
  stop(): Promise<void>;
};

const LIMIT = 60_000;

/** Starts Kafka and DynamoDB Local; they end with this process. Both answer when it returns. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { directory, kafkaPort, dynamoPort, services = all, say } = options;
  const supervisor = options.supervisor ?? supervise(directory);
  const kafkaBrokers = `localhost:${kafkaPort}`;
  const dynamoEndpoint = `http://localhost:${dynamoPort}`;
  const children = new Map<Service, Child>();
  const definitions = {
    kafka: {
      what: `Kafka on ${kafkaBrokers}`,
      task: () => kafkaTask(jarFolder('kafka'), directory, kafkaPort),
      answers: () => kafkaAnswers(kafkaBrokers),
    },
    dynamodb: {
      what: `DynamoDB on ${dynamoEndpoint}`,
      task: () => dynamodbTask(jarFolder('dynamodb'), directory, dynamoPort),
      answers: () => dynamodbAnswers(dynamoEndpoint),
    },
  };
  const start = async (service: Service) => {
    const { what, task: define, answers } = definitions[service];
    const task = await define();
    const child = supervisor.run(task);
    children.set(service, child);
    await whileRunning(task, child, (gone) => until(`${what} to answer`, LIMIT, answers, gone));
    say(`${what} answers`);
  };

  try {
    await checkPorts(services.map((service) => portOf(service, { kafkaPort, dynamoPort })));
    mkdirSync(directory, { recursive: true });
    // One after the other: Maven's own store is not made for two at once.
    for (const service of services) await fetchJars(service, { supervisor, directory, say });
    await Promise.all(services.map(start));
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return { kafkaBrokers, dynamoEndpoint, children, start, stop: supervisor.stop };
}

/** A service's port, in the form that checkPorts takes. */
export function portOf(service: Service, ports: { kafkaPort: number; dynamoPort: number }) {
  return service === 'kafka'
    ? { what: 'Kafka', port: ports.kafkaPort, change: 'KAFKA_PORT' }
    : { what: 'DynamoDB', port: ports.dynamoPort, change: 'DYNAMODB_PORT' };
}
