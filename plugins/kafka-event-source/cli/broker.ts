/** Chooses the Kafka of `--broker start`: its folder, its port, and the way to run it. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, startBroker } from '../broker/broker.ts';
import { kafkaContainer, removeLeftover } from '../broker/docker.ts';
import { kafkaJars, kafkaService } from '../broker/kafka.ts';
import { freePort, isFree } from '../broker/ports.ts';
import type { Service } from '../broker/services.ts';
import { type Supervisor, supervise } from '../broker/supervise.ts';
import { findEngine, findTools } from '../broker/tools.ts';
import { UsageError } from './arguments.ts';

const PORT = 9092;

/** How messages name the command lines that start a Kafka, and their advice. */
const CALLERS = {
  broker: {
    name: 'The command broker',
    advice: 'Install one of them.',
    useOther: () => 'use that one, and end this command.',
  },
  start: {
    name: '--broker start',
    advice: 'Install one of them, or name a Kafka that runs: --broker host:port.',
    useOther: (port: number) => `use --broker localhost:${port}.`,
  },
  kit: {
    name: "ground: 'start'",
    advice: "Install one of them, or name a Kafka that runs: ground: 'localhost:9092'.",
    useOther: (port: number) => `use ground: 'localhost:${port}'.`,
  },
} as const;

/** A Kafka that can be started. */
export interface Plan {
  readonly port: number;
  /** The folder of its data and logs. */
  readonly directory: string;
  /** Runs it with Java, or in Docker. */
  readonly service: (port: number) => Service;
}

/**
 * Chooses how a Kafka runs whose data is kept in the folder: with Java, or without it with Docker.
 *
 * @param caller the command line that wants it
 * @param usual the port, if it is free and KAFKA_PORT names none
 * @throws Error that says what is missing on the machine
 */
export async function planBroker(
  folder: string,
  say: (line: string) => void,
  caller: keyof typeof CALLERS,
  usual = PORT,
): Promise<Plan> {
  const directory = join(folder, '.kafka-event-source');
  const service = await chooseService(directory, say, caller);
  return { port: await choosePort(say, caller, usual), directory, service };
}

/** Starts the broker. It is ready on return. */
export function start(
  plan: Plan,
  supervisor: Supervisor,
  say: (line: string) => void,
): Promise<Broker> {
  return startBroker({ ...plan, supervisor, say });
}

/** The port of KAFKA_PORT; without it the usual one, or another one if that is taken. */
async function choosePort(
  say: (line: string) => void,
  caller: keyof typeof CALLERS,
  usual: number,
): Promise<number> {
  const { KAFKA_PORT: wanted } = process.env;
  if (wanted !== undefined) {
    if (/^[1-9]\d{0,4}$/.test(wanted) && Number(wanted) <= 65_535) return Number(wanted);
    throw new UsageError(
      `KAFKA_PORT "${wanted}" is not a port: set it to 1 to 65535, or remove it.`,
    );
  }
  if (await isFree(usual)) return usual;
  const port = await freePort();
  say(
    `Port ${usual} is taken, so Kafka is started on ${port}. If Kafka runs on ${usual} already, ` +
      CALLERS[caller].useOther(usual),
  );
  return port;
}

/** Makes the folder of a broker, which Git ignores, and a supervisor for it. */
export function superviseIn(directory: string): Supervisor {
  mkdirSync(directory, { recursive: true });
  const ignore = join(directory, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return supervise(directory);
}

async function chooseService(
  directory: string,
  say: (line: string) => void,
  caller: keyof typeof CALLERS,
): Promise<Plan['service']> {
  const { java, maven } = await findTools([kafkaJars]);
  const faults = [java, maven].filter(Boolean).join(', ');
  if (faults === '') return kafkaService;
  const docker = await findEngine();
  if (docker === '') {
    say(`Kafka runs in Docker (${faults}).`);
    // A container that was left behind holds its port.
    await removeLeftover(directory);
    return kafkaContainer;
  }
  const { name, advice } = CALLERS[caller];
  throw new Error(
    `${name} needs Java 17 or newer and, the first time, Maven: ${faults}. Or Docker: ${docker}. ${advice}`,
  );
}
