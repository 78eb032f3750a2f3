import type { Stats } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** A finished build: the hash of its bundles, the folders of its code, and its functions. */
export type Build = { hash: string; folders: string[]; handlers: string[] };

type Kept = { build: Build; stamps: Record<string, string> };

const FILE = 'dist/.build.json';

/**
 * The last build of a service, if all files that it read and wrote are unchanged. Another build would give the
 * same result, and would take longer than the rest of the start.
 */
export async function lastBuild(
  serviceDir: string,
  handlers: string[],
): Promise<Build | undefined> {
  const kept = await readKept(serviceDir);
  if (!kept || kept.build.handlers.join() !== handlers.join()) return undefined;
  const now = await statsOf(serviceDir, Object.keys(kept.stamps));
  const isSame = Object.entries(kept.stamps).every(([path, stamp]) => {
    return stampOf(now.get(path)) === stamp;
  });
  return isSame ? kept.build : undefined;
}

/** Keeps a build with the state of its files, unless one of those read has changed since the build began. */
export async function keepBuild(
  serviceDir: string,
  build: Build,
  { read, written, since }: { read: string[]; written: string[]; since: Date },
): Promise<void> {
  const stats = await statsOf(serviceDir, [...read, ...written]);
  if (read.some((path) => (stats.get(path)?.ctime ?? since) > since)) return;
  const stamps = Object.fromEntries([...stats].map(([path, found]) => [path, stampOf(found)]));
  await writeFile(join(serviceDir, FILE), JSON.stringify({ build, stamps } satisfies Kept));
}

async function readKept(serviceDir: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(join(serviceDir, FILE), 'utf8'));
  } catch {
    return undefined; // The file is missing or half written, so everything is built.
  }
}

/** The states of the files by their paths; undefined for a file that is missing. */
async function statsOf(
  serviceDir: string,
  paths: string[],
): Promise<Map<string, Stats | undefined>> {
  const stats = paths.map(async (path) => {
    const found = await stat(resolve(serviceDir, path)).catch(() => undefined);
    return [path, found] as const;
  });
  return new Map(await Promise.all(stats));
}

function stampOf(found: Stats | undefined): string {
  // npm gives all files the same modification time at every install; only the time of the last change
  // shows a new one.
  return found ? `${found.size} ${found.mtimeMs} ${found.ctimeMs}` : 'missing';
}
