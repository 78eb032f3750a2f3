/** Starts a Kafka for `--broker start`. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, startBroker } from '../broker/broker.ts';
import { kafkaJars } from '../broker/kafka.ts';
import { freePort, isFree } from '../broker/ports.ts';
import { type Supervisor, supervise } from '../broker/supervise.ts';
import { findTools } from '../broker/tools.ts';
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
  const { java, maven } = await findTools([kafkaJars]);
  const faults = [java, maven].filter(Boolean);
  if (faults.length === 0) return;
  throw new Error(
    `--broker start needs Java 17 or newer and, the first time, Maven: ${faults.join(', ')}. With Docker: ` +
      `docker run --rm -p ${PORT}:${PORT} apache/kafka, and --broker localhost:${PORT}.`,
  );
}
