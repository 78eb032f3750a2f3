import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor, Task } from '../plugins/kafka-event-source/broker/supervise.ts';

const pom = join(import.meta.dirname, 'pom.xml');
const home = join(import.meta.dirname, '../.local/jars');
const LIMIT = 15 * 60_000;

export const services = ['kafka', 'dynamodb'] as const;

export type Service = (typeof services)[number];

export type Fetch = { supervisor: Supervisor; directory: string; say(line: string): void };

/** The folder of a service's jars. It may not exist yet; another pom.xml makes another folder. */
export function jarFolder(service: Service): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(home, `${service}-${hash}`);
}

/** Whether nothing is left to fetch. */
export function hasJars(): boolean {
  return services.every((service) => existsSync(jarFolder(service)));
}

/** Fetches a service's jars by Maven when they are missing, and says how far it is. */
export async function fetchJars(service: Service, fetch: Fetch): Promise<void> {
  const folder = jarFolder(service);
  if (existsSync(folder)) return;
  mkdirSync(home, { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  fetch.supervisor.remove(work);
  try {
    await maven(service, work, fetch);
    // Two starts at once both get here: the second finds the folder made, and its own is spare.
    if (!existsSync(folder)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function maven(service: Service, output: string, { supervisor, directory, say }: Fetch) {
  const task = {
    name: `maven-${service}`,
    command: 'mvn',
    args: ['-B', '-f', pom, '-P', service, 'dependency:copy-dependencies'].concat(
      `-DoutputDirectory=${output}`,
    ),
    log: join(directory, `logs/maven-${service}.log`),
  } satisfies Task;
  say(`${service}: fetching its jars with Maven, this once`);
  let said = '';
  const timer = setInterval(() => {
    const news = progress(existsSync(task.log) ? readFileSync(task.log, 'utf8') : '');
    if (news !== said) say(`${service}: ${news}`);
    said = news;
  }, 1000);
  try {
    const { code, how } = await supervisor.run(task, LIMIT).ended;
    if (code !== 0) throw new Error(failure(service, how, task.log));
  } finally {
    clearInterval(timer);
  }
}

function failure(service: Service, how: string, log: string): string {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const errors = lines.filter((line) => line.startsWith('[ERROR]')).slice(0, 4);
  return (
    `Maven could not fetch ${service} (${how}). Does "mvn" work, and can it reach its repository? ` +
    `Its whole output: ${log}\n${errors.join('\n')}`
  );
}

/** How far Maven is, from its output: the files fetched, and their size. Empty before the first. */
export function progress(output: string): string {
  const line = /Downloaded from .*\/([^/]+\.(?:jar|so|dylib|dll)) \(([\d.]+) ([kMG]?)B/g;
  const files = [...output.matchAll(line)];
  const factor: Record<string, number> = { k: 1e3, M: 1e6, G: 1e9 };
  const bytes = files.reduce((sum, [, , n, unit = '']) => sum + Number(n) * (factor[unit] ?? 1), 0);
  const last = files.at(-1)?.[1];
  return last ? `${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, last ${last}` : '';
}
