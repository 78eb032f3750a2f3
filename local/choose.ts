import { kafkaJars } from '../plugins/kafka-event-source/broker/kafka.ts';
import {
  faultOf,
  findEngine,
  findTools,
  type ToolFaults,
} from '../plugins/kafka-event-source/broker/tools.ts';
import { dynamodbJars } from './dynamodb.ts';

const choices = ['auto', 'java', 'docker', 'none'] as const;

export type Choice = Exclude<(typeof choices)[number], 'auto'>;
export type Found = ToolFaults & { readonly docker: string };

/** The backend that LOCAL_BACKEND names, or for `auto` the one that this machine has. */
export async function chooseBackend(wanted = 'auto', find = findAll): Promise<Choice> {
  if (!choices.includes(wanted as Choice)) {
    throw new Error(`LOCAL_BACKEND is "${wanted}"; it can be ${choices.join(', ')}.`);
  }
  if (wanted === 'none') return 'none';
  const found = await find();
  const java = found.java === '' && found.maven === '';
  const docker = found.docker === '';
  if (wanted === 'auto' && java) return 'java';
  if (wanted === 'auto' && docker) return 'docker';
  if (wanted === 'java' && java) return 'java';
  if (wanted === 'docker' && docker) return 'docker';
  throw new Error(advice(wanted as Choice | 'auto', found));
}

function advice(wanted: Choice | 'auto', { java, maven, docker }: Found): string {
  const forJava = [java, maven].filter(Boolean).join('; ');
  const reasons = [
    wanted !== 'docker' && `Java: ${forJava}. Install a JDK 17 or newer and Maven.`,
    wanted !== 'java' && `Docker: ${docker}. Install and start a Docker engine with Compose.`,
  ];
  return [
    `Nothing here can run Kafka and DynamoDB (LOCAL_BACKEND=${wanted}). One of these is needed:`,
    ...reasons.filter((reason) => reason !== false),
    'Or run them yourself: LOCAL_BACKEND=none with KAFKA_BROKERS and DYNAMODB_ENDPOINT.',
  ].join('\n  ');
}

/** The fault of each tool; empty for a tool that can be used. */
async function findAll(): Promise<Found> {
  const [tools, docker] = await Promise.all([findTools([kafkaJars, dynamodbJars]), findDocker()]);
  return { ...tools, docker };
}

/** Empty when a Docker engine and Compose answer. */
export async function findDocker(): Promise<string> {
  return (
    (await findEngine()) || faultOf('docker', ['compose', 'version'], '"docker compose" is missing')
  );
}
