import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Process, processes } from '../plugins/kafka-event-source/broker/processes.ts';
import { until } from '../plugins/kafka-event-source/broker/wait.ts';

const EARLIER_RUN_MS = 12_000;
const data = ['data', 'logs', 'env.json', 'kafka.properties', 'kafka-format.properties'];

/** The processes that use the data of this folder: a supervisor, Kafka, DynamoDB Local. */
function usersOf(directory: string, all = processes()): Process[] {
  const marks = [
    `supervisor.ts ${directory}`,
    ` dbPath=${join(directory, 'data/dynamodb')} `,
    ` kafka.Kafka ${join(directory, 'kafka.properties')}`,
  ];
  return all.filter(({ pid, command }) => {
    return (
      pid !== process.pid && marks.some((mark) => `${command} `.includes(`${mark.trimEnd()} `))
    );
  });
}

/** Waits for an earlier run that ends and uses the same data. @throws Error if it does not end in time */
export async function untilUnused(
  directory: string,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  if (usersOf(directory).length === 0) return;
  say('an earlier run is still there: waiting for its end');
  const unused = async () => {
    if (usersOf(directory).length === 0) return true;
    throw new Error(inUse(directory));
  };
  await until('an earlier run to end', EARLIER_RUN_MS, unused, stop);
}

/** Makes the folder when it is missing; throws when nothing can be written into it. */
export function prepare(directory: string): void {
  const probe = join(directory, `.probe-${process.pid}`);
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(probe, 'A disk that is full takes an empty file, but not this line.\n');
    rmSync(probe);
  } catch (error) {
    if (existsSync(probe)) rmSync(probe);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Nothing can be written into ${directory} (${reason}). ` +
        'Free some space, or make it a folder that belongs to you.',
    );
  }
}

/** Clears the data, or with `all` the whole folder: the jars and the tools that tests fetch, too; throws when something runs on it. */
export function clear(directory: string, all: boolean): string[] {
  if (usersOf(directory).length > 0) throw new Error(inUse(directory));
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const gone = names.filter((name) => all || data.includes(name));
  for (const name of gone) rmSync(join(directory, name), { recursive: true, force: true });
  return gone;
}

function inUse(directory: string): string {
  const users = usersOf(directory).map(({ pid, command }) => `${pid} (${command.slice(0, 60)}...)`);
  return (
    `${directory} is in use by ${users.join(', ')}. ` +
    'Stop that "npm start" (Ctrl-C in its terminal), or end these processes.'
  );
}
