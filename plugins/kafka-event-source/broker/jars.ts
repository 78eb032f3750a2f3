import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { reporting } from './progress.ts';
import type { Prepare } from './services.ts';
import type { Task } from './supervise.ts';
import { startable } from './system.ts';

/** The jars of a service: those that its pom.xml names. */
export type Jars = { name: string; pom: string };

/** The project's folder has node_modules: it is the workspace, or the project of the package's user. */
const project = createRequire(import.meta.url)
  .resolve('kafkajs')
  .split(/[\\/]node_modules[\\/]/)[0];
const home = join(project ?? '', '.local/jars');
const LIMIT = 15 * 60_000;

/** The folder of a service's jars. It may not exist yet; another pom.xml makes another folder. */
export function jarFolder({ name, pom }: Jars): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(home, `${name}-${hash}`);
}

/** Whether all jars have been fetched. */
export function hasJars(all: readonly Jars[]): boolean {
  return all.every((jars) => existsSync(jarFolder(jars)));
}

/** Fetches a service's missing jars with Maven, and reports the progress. */
export async function fetchJars(jars: Jars, fetch: Prepare): Promise<void> {
  const folder = jarFolder(jars);
  if (existsSync(folder)) return;
  mkdirSync(home, { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  fetch.supervisor.remove(work);
  try {
    await maven(jars, work, fetch);
    // Two starts may both get here at once: the second finds the folder, and drops its own.
    if (!existsSync(folder)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function maven(jars: Jars, output: string, { supervisor, directory, say }: Prepare) {
  const { name, pom } = jars;
  const task = {
    name: `maven-${name}`,
    ...startable('mvn', [
      ...['-B', '-f', pom, 'dependency:copy-dependencies'],
      `-DoutputDirectory=${output}`,
    ]),
    log: join(directory, `logs/maven-${name}.log`),
  } satisfies Task;
  say(`${name}: fetching its jars with Maven, this once`);
  const { code, how } = await reporting(
    { log: task.log, read: progress, say: (news) => say(`${name}: ${news}`) },
    supervisor.run(task, LIMIT).ended,
  );
  if (code !== 0) throw new Error(failure(name, how, task.log));
}

function failure(name: string, how: string, log: string): string {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const errors = lines.filter((line) => line.startsWith('[ERROR]')).slice(0, 4);
  return (
    `Maven could not fetch ${name} (${how}). Check that "mvn" works and reaches its repository. ` +
    `Its output: ${log}\n${errors.join('\n')}`
  );
}

/** Maven's progress, from its output: the number of files and their size. Empty before the first. */
export function progress(output: string): string {
  const line = /Downloaded from .*\/([^/]+\.(?:jar|so|dylib|dll)) \(([\d.]+) ([kMG]?)B/g;
  const files = [...output.matchAll(line)];
  const factor: Record<string, number> = { k: 1e3, M: 1e6, G: 1e9 };
  const bytes = files.reduce((sum, [, , n, unit = '']) => sum + Number(n) * (factor[unit] ?? 1), 0);
  const last = files.at(-1)?.[1];
  return last ? `${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, last ${last}` : '';
}
