import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const pom = join(import.meta.dirname, 'pom.xml');
const home = join(import.meta.dirname, '../.local/jars');
const LIMIT = 15 * 60_000;

export type Service = 'kafka' | 'dynamodb';

/** The folder of a service's jars. It may not exist yet; another pom.xml makes another folder. */
export function jarFolder(service: Service): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(home, `${service}-${hash}`);
}

/** Fetches a service's jars by Maven when they are missing, and says how far it is. */
export async function fetchJars(service: Service, say: (line: string) => void): Promise<string> {
  const folder = jarFolder(service);
  if (existsSync(folder)) return folder;
  mkdirSync(home, { recursive: true });
  const work = mkdtempSync(`${folder}.`);
  try {
    say(`${service}: fetching its jars with Maven, once (about 50 MB)`);
    await maven(service, work, say);
    // Two starts at once may both get here; the second finds the folder made, and its own is spare.
    if (!existsSync(folder)) renameSync(work, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

async function maven(service: Service, output: string, say: (line: string) => void) {
  const goal = 'dependency:copy-dependencies';
  const args = ['-B', '-f', pom, '-P', service, goal, `-DoutputDirectory=${output}`];
  const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT });
  const lines: string[] = [];
  const progress = mavenProgress();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      const news = progress(line, Date.now());
      if (news) say(`${service}: ${news}`);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(new Error('mvn does not start', { cause: error })));
    child.once('close', resolve);
  });
  if (code === 0) return;
  const tail = lines.filter((line) => /ERROR/.test(line)).slice(0, 6);
  throw new Error(
    `Maven could not fetch ${service} (exit ${code ?? 'after 15 minutes'}). ` +
      `Is the Maven repository reachable? It said:\n${tail.join('\n')}`,
  );
}

/** Turns Maven's lines into a short line now and then: jars fetched, and their size. */
export function mavenProgress(): (line: string, now: number) => string | undefined {
  const factor = { '': 1, k: 1e3, M: 1e6, G: 1e9 } as const;
  let [jars, bytes, next] = [0, 0, 0];
  return (line, now) => {
    const match = /Downloaded from .*\/([^/]+\.(?:jar|so|dylib|dll)) \(([\d.]+) ([kMG]?)B/.exec(
      line,
    );
    if (!match) return undefined;
    jars += 1;
    bytes += Number(match[2]) * factor[match[3] as keyof typeof factor];
    if (now < next) return undefined;
    next = now + 1000;
    return `${jars} files, ${(bytes / 1e6).toFixed(1)} MB so far, ${match[1]}`;
  };
}
