/** Starts a Kafka for `--broker start`. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Broker, startBroker } from '../broker/broker.ts';
import { hasJars } from '../broker/jars.ts';
import { kafkaJars } from '../broker/kafka.ts';
import { freePort, isFree } from '../broker/ports.ts';
import { type Supervisor, supervise } from '../broker/supervise.ts';
import { UsageError } from './arguments.ts';

const PORT = 9092;

/** The port of KAFKA_PORT; without it Kafka's own, or another one if that is taken. */
export async function choosePort(say: (line: string) => void): Promise<number> {
  const { KAFKA_PORT: wanted } = process.env;
  if (wanted !== undefined) {
    if (/^[1-9]\d{0,4}$/.test(wanted) && Number(wanted) <= 65_535) return Number(wanted);
    throw new UsageError(`KAFKA_PORT "${wanted}" is not a port.`);
  }
  if (await isFree(PORT)) return PORT;
  const port = await freePort();
  say(
    `Port ${PORT} is taken, so Kafka is started on ${port}. If Kafka runs on ${PORT} already, use ` +
      `--broker localhost:${PORT}.`,
  );
  return port;
}

/** The supervisor of a broker whose data is kept in the folder, which Git ignores. */
export function superviseIn(folder: string): { directory: string; supervisor: Supervisor } {
  const directory = join(folder, '.kafka-event-source');
  mkdirSync(directory, { recursive: true });
  const ignore = join(directory, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return { directory, supervisor: supervise(directory) };
}

/** Starts the broker. It is ready on return. @throws Error that says what is missing on the machine */
export async function start(
  where: { directory: string; supervisor: Supervisor },
  port: number,
  say: (line: string) => void,
): Promise<Broker> {
  await checkTools();
  return startBroker({ ...where, port, say });
}

async function checkTools(): Promise<void> {
  const faults = await Promise.all([
    answer('java').then(javaFault, () => 'there is no java'),
    // Once the jars are there, Maven has no more to do.
    hasJars([kafkaJars]) ? '' : answer('mvn').then(none, () => 'there is no mvn'),
  ]);
  const found = faults.filter(Boolean);
  if (found.length === 0) return;
  throw new Error(
    `--broker start needs Java 17 or newer and, the first time, Maven: ${found.join(', ')}. With Docker: ` +
      `docker run --rm -p ${PORT}:${PORT} apache/kafka, and --broker localhost:${PORT}.`,
  );
}

const none = () => '';

/** Java before 9 calls itself 1.8. */
function javaFault(output: string): string {
  const version = /version "([\d.]+)/.exec(output)?.[1] ?? 'unknown';
  return Number.parseInt(version, 10) >= 17 ? '' : `java is version ${version}`;
}

async function answer(command: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(command, ['-version'], { timeout: 15_000 });
  return stdout + stderr;
}
