import { mkdirSync } from 'node:fs';
import { checkPorts, type WantedPort } from './ports.ts';
import { type Child, type Supervisor, supervise, type Task, whileRunning } from './supervise.ts';
import { until } from './wait.ts';

/** A service: its port, the process that runs it, and the check that it works. */
export type Service = {
  /** The service's name and address, for messages. */
  what: string;
  port: WantedPort;
  /** Fetches what the process needs and this machine lacks. */
  prepare(options: Prepare): Promise<void>;
  /** The process to start, with its data in the directory. */
  task(directory: string): Task | Promise<Task>;
  /** Checks the service: throws, or returns undefined, until it works. */
  answers(): Promise<true | undefined>;
};

export type Prepare = { supervisor: Supervisor; directory: string; say(line: string): void };

export type StartOptions = {
  /** The folder of data/ and logs/; it is made if it is missing. */
  directory: string;
  /** Runs the services; a new one by default. It stops if the start fails. */
  supervisor?: Supervisor;
  say(line: string): void;
};

export type Services<Name extends string> = {
  /** The processes, each with its pid (also its process group) and its end. */
  children: Map<Name, Child>;
  /** Starts a service again after its end, on the same port and data. */
  start(name: Name): Promise<void>;
  stop(): Promise<void>;
};

const LIMIT = 60_000;

/** Starts services that end with this process. All of them are ready on return. */
export async function startServices<Name extends string>(
  services: ReadonlyMap<Name, Service>,
  { directory, supervisor = supervise(directory), say }: StartOptions,
): Promise<Services<Name>> {
  const all = [...services.values()];
  const children = new Map<Name, Child>();
  const start = async (name: Name) => {
    const service = services.get(name);
    if (!service) throw new Error(`There is no service ${name}`);
    const task = await service.task(directory);
    const child = supervisor.run(task);
    children.set(name, child);
    await whileRunning(task, child, (gone) =>
      until(`${service.what} to answer`, LIMIT, service.answers, gone),
    );
    say(`${service.what} answers`);
  };

  try {
    await checkPorts(all.map(({ port }) => port));
    mkdirSync(directory, { recursive: true });
    // One after the other: Maven's local repository cannot take two writers at once.
    for (const { prepare } of all) await prepare({ supervisor, directory, say });
    await Promise.all([...services.keys()].map(start));
  } catch (error) {
    // Not awaited, so that callers who wait for other processes of the supervisor learn of this failure first.
    supervisor.stop();
    throw error;
  }
  return { children, start, stop: supervisor.stop };
}
