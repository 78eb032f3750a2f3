import { readFileSync } from 'node:fs';
import { processes } from '../plugins/kafka-event-source/broker/processes.ts';

/** Clock ticks in a second: `getconf CLK_TCK` says 100 on every Linux. */
const TICK = 100;

const PARTS: [part: string, mark: RegExp][] = [
  ['Kafka', /kafka\.Kafka /],
  ['format of the data', /StorageTool/],
  ['DynamoDB', /dbPath=/],
  ['esbuild', /esbuild.*--service/],
  ['sls offline', /\bsls offline/],
  ['supervisor', /supervisor\.ts/],
];
const partOf = (command: string) => PARTS.find(([, mark]) => mark.test(command))?.[0];

/** This process and all below it, by the part of `npm start` that each is; this one is the starter. */
export function below(): { pid: number; part: string }[] {
  const all = processes();
  const family = new Set([process.pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all
    .filter(({ pid }) => family.has(pid))
    .map(({ pid, command }) => ({
      pid,
      part: pid === process.pid ? 'starter' : (partOf(command) ?? 'other'),
    }));
}

/** Undefined for a process that has ended. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The processor time of a process so far, with all its threads. */
export function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICK;
}
