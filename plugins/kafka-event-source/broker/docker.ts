/** Kafka in a container, for machines with Docker and without Java. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaAnswers, kafkaJars, settings } from './kafka.ts';
import { isRunning, startOf } from './processes.ts';
import { reporting } from './progress.ts';
import type { Prepare, Service } from './services.ts';
import { type Task, tail } from './supervise.ts';
import { endCommand } from './system.ts';

/** The container's label: the id of the process that started it, and the time at which that process started. */
const STARTER = 'lambda-kafka-event-source.starter';
const PULL_MS = 15 * 60_000;
const DATA = '/var/lib/kafka/data';
/** The port in the container; docker publishes it on another one of this machine. */
const INNER_PORT = 9092;

const run = (args: string[]) => promisify(execFile)('docker', args, { timeout: 60_000 });

/** Kafka's own image, with the version that Java runs. */
export function kafkaImage(): string {
  const pom = readFileSync(kafkaJars.pom, 'utf8');
  const [, version] = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(pom) ?? [];
  return `apache/kafka:${version}`;
}

/** The settings of the broker as variables, which is how its image takes them. */
export function kafkaVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`,
      String(value),
    ]),
  );
}

/** The name of the container and of its volume: the folder's own, so that the next start finds them. */
export function containerName(directory: string): string {
  return `kafka-event-source-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}

/** A broker on a port of localhost, in a container that ends with its starter. Its data stays in a volume. */
export function kafkaContainer(port: number): Service {
  const brokers = `localhost:${port}`;
  return {
    what: `Kafka on ${brokers}, in Docker,`,
    port: { what: 'Kafka', port, change: 'KAFKA_PORT' },
    prepare,
    task: (directory) => containerTask(directory, port),
    answers: () => kafkaAnswers(brokers),
  };
}

/**
 * Removes the container of an earlier start of this folder that was killed.
 *
 * @throws Error if the process that started the container still runs
 */
export async function removeLeftover(directory: string): Promise<void> {
  const name = containerName(directory);
  const format = `{{.State.Running}} {{index .Config.Labels "${STARTER}"}}`;
  const found = await run(['container', 'inspect', '--format', format, name]).catch(
    () => undefined,
  );
  if (!found) return;
  const [, state, pid, start = ''] = /^(\w+) (\d+) ?(.*)$/.exec(found.stdout.trim()) ?? [];
  const starter = Number(pid);
  if (state === 'true' && starter !== process.pid && isRunning(starter, start)) {
    throw new Error(
      `Kafka of this folder runs already, in the container ${name} of process ${pid}. End that process ` +
        `(${endCommand(starter)}), or use its broker: \`docker port ${name}\` prints its address.`,
    );
  }
  await run(['rm', '--force', name]);
}

async function prepare({ supervisor, directory, say }: Prepare): Promise<void> {
  await removeLeftover(directory);
  const image = kafkaImage();
  const isThere = await run(['image', 'inspect', image]).then(
    () => true,
    () => false,
  );
  if (!isThere) await pull(image, { supervisor, directory, say });
  // Also after a signal, and when docker's own client was killed.
  supervisor.atEnd({
    name: 'docker-rm',
    command: 'docker',
    args: ['rm', '--force', containerName(directory)],
    log: join(directory, 'logs/docker-rm.log'),
  });
}

async function pull(image: string, { supervisor, directory, say }: Prepare): Promise<void> {
  const log = join(directory, 'logs/docker-pull.log');
  const task = { name: 'docker-pull', command: 'docker', args: ['pull', image], log };
  say(`kafka: pulling ${image}, this once`);
  const { code, how } = await reporting(
    { log, read: pullProgress, say: (news) => say(`kafka: ${news}`) },
    supervisor.run(task, PULL_MS).ended,
  );
  if (code === 0) return;
  throw new Error(
    `Docker could not pull ${image} (${how}). Check that "docker pull ${image}" works. ` +
      `The end of ${log}:\n${tail(log)}`,
  );
}

/** The progress of a pull, from its output. Empty before the first layer. */
export function pullProgress(output: string): string {
  const idsWith = (state: string) =>
    new Set(
      [...output.matchAll(new RegExp(`^([0-9a-f]+): (?:${state})`, 'gm'))].map(([, id]) => id),
    );
  const all = idsWith('Pulling fs layer|Already exists').size;
  return all > 0 ? `${idsWith('Pull complete|Already exists').size} of ${all} layers` : '';
}

function containerTask(directory: string, port: number): Task {
  const name = containerName(directory);
  const variables = {
    CLUSTER_ID: 'ZXZlbnQtc291cmNlLWthZg',
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    // The broker reaches itself on a port that is the same inside, whatever the port outside.
    KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
    KAFKA_LISTENERS: `HOST://:${INNER_PORT},CONTROLLER://localhost:9093,INSIDE://localhost:19092`,
    KAFKA_ADVERTISED_LISTENERS: `HOST://localhost:${port},INSIDE://localhost:19092`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'HOST:PLAINTEXT,CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT',
    KAFKA_LOG_DIRS: DATA,
    KAFKA_HEAP_OPTS: '-Xmx512m',
    ...kafkaVariables(),
  };
  return {
    name: 'kafka',
    command: 'docker',
    args: [
      ...[
        'run',
        '--rm',
        '--name',
        name,
        '--label',
        `${STARTER}=${process.pid} ${startOf(process.pid)}`,
      ],
      ...['--publish', `127.0.0.1:${port}:${INNER_PORT}`, '--volume', `${name}:${DATA}`],
      ...Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      kafkaImage(),
    ],
    log: join(directory, 'logs/kafka.log'),
  };
}
