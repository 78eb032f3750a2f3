import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { hasJars } from '../plugins/kafka-event-source/broker/jars.ts';
import { kafkaJars } from '../plugins/kafka-event-source/broker/kafka.ts';
import { dynamodbJars } from './dynamodb.ts';

const choices = ['auto', 'java', 'docker', 'none'] as const;

export type Choice = Exclude<(typeof choices)[number], 'auto'>;
export type Found = { java: string; maven: string; docker: string };

/** The backend that LOCAL_BACKEND names, or for `auto` the one that this machine has. */
export async function chooseBackend(wanted = 'auto', find = findTools): Promise<Choice> {
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
async function findTools(): Promise<Found> {
  const [java, maven, docker] = await Promise.all([
    answer('java', ['-version']).then(javaFault, () => 'java does not answer'),
    // Once the jars are there, Maven has no more to do.
    hasJars([kafkaJars, dynamodbJars])
      ? ''
      : answer('mvn', ['-version']).then(nothing, () => 'mvn does not answer'),
    findDocker(),
  ]);
  return { java, maven, docker };
}

/** Empty when a Docker engine and Compose answer. */
export async function findDocker(): Promise<string> {
  try {
    await answer('docker', ['info']);
  } catch {
    return 'no Docker engine answers';
  }
  return answer('docker', ['compose', 'version']).then(
    nothing,
    () => '"docker compose" is missing',
  );
}

/** Java before 9 calls itself 1.8. */
export function javaFault(output: string): string {
  const version = /version "([\d.]+)/.exec(output)?.[1] ?? 'unknown';
  return Number.parseInt(version, 10) >= 17 ? '' : `java is version ${version}, 17 is needed`;
}

async function answer(command: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: 15_000 });
  return stdout + stderr;
}

function nothing() {
  return '';
}
