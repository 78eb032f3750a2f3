import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { fetchJars, type Jars, jarFolder } from './jars.ts';
import { freePort } from './ports.ts';
import type { Service } from './services.ts';
import type { Task } from './supervise.ts';

/** The settings of a broker of one node; docker-compose.yml has the same. */
export const settings = {
  'auto.create.topics.enable': false,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 5, // The default of 50 costs files and seconds without a use.
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 5,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
};

/** For a JVM that starts quickly and keeps little memory: one compiler, and a heap that begins small. */
export const javaFlags = [
  '-Xms16m',
  '-Xmx512m',
  '-Xss512k',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
] as const;

export const kafkaJars: Jars = { name: 'kafka', pom: join(import.meta.dirname, 'pom.xml') };

/** A broker on a port of localhost. */
export function kafkaService(port: number): Service {
  const brokers = `localhost:${port}`;
  return {
    what: `Kafka on ${brokers}`,
    port: { what: 'Kafka', port, change: 'KAFKA_PORT' },
    prepare: (options) => fetchJars(kafkaJars, options),
    task: (directory) => kafkaTask(jarFolder(kafkaJars), directory, port),
    answers: () => kafkaAnswers(brokers),
  };
}

/** A broker of one node (KRaft). Formats its data folder the first time, and reuses it later. */
async function kafkaTask(jars: string, directory: string, port: number): Promise<Task> {
  const data = join(directory, 'data/kafka');
  const file = join(directory, 'kafka.properties');
  const controller = await freePort();
  if (!existsSync(data)) await format(jars, directory, data);
  writeFileSync(file, properties(data, port, controller));
  return {
    name: 'kafka',
    command: 'java',
    args: [...java(jars), '-Dlog4j2.level=INFO', 'kafka.Kafka', file],
    log: join(directory, 'logs/kafka.log'),
  };
}

/** Asks the broker about itself. @throws Error until it answers */
export async function kafkaAnswers(brokers: string): Promise<true | undefined> {
  return withAdmin(brokers, async (admin) => {
    const { brokers: known, controller } = await admin.describeCluster();
    return known.length > 0 && controller !== null && controller >= 0 ? true : undefined;
  });
}

/** Runs work with an admin client that has short time limits. */
export async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>) {
  const kafka = new Kafka({
    clientId: 'local',
    brokers: brokers.split(','),
    connectionTimeout: 2000,
    requestTimeout: 10_000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Formats a folder and then renames it, so that an existing data folder is always complete. */
async function format(jars: string, directory: string, data: string) {
  const fresh = `${data}.new`;
  const file = join(directory, 'kafka-format.properties');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(file, properties(fresh, 1, 2)); // Formatting opens no port.
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', file];
  await promisify(execFile)('java', [...java(jars), ...tool], { timeout: 60_000 });
  rmSync(file);
  renameSync(fresh, data);
}

function java(jars: string): string[] {
  return [...javaFlags, '-cp', join(jars, '*')];
}

/** A UUID in Kafka's form: 22 characters, without a dash in front, which would look like an option. */
function clusterId(): string {
  const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
  return id.startsWith('-') ? clusterId() : id;
}

function properties(data: string, port: number, controller: number): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://localhost:${port},CONTROLLER://localhost:${controller}`,
    'advertised.listeners': `PLAINTEXT://localhost:${port}`,
    'log.dirs': data.replaceAll('\\', '/'),
    ...settings,
    // A killed broker may come back only after its old session has ended: 9 s by default.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'num.recovery.threads.per.data.dir': 2,
    // 128 MB by default, taken at the start: this is enough for 170 000 keys of a compacted topic at a time.
    'log.cleaner.dedupe.buffer.size': 4 * 2 ** 20,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
