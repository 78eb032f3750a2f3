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
  const now = await stampsOf(serviceDir, Object.keys(kept.stamps));
  const isSame = Object.entries(kept.stamps).every(([path, stamp]) => now[path] === stamp);
  return isSame ? kept.build : undefined;
}

/** Keeps a build with the state of its files, unless one of those read has changed since the build began. */
export async function keepBuild(
  serviceDir: string,
  build: Build,
  { read, written, since }: { read: string[]; written: string[]; since: Date },
): Promise<void> {
  const stats = await Promise.all(read.map((path) => statOf(serviceDir, path)));
  if (stats.some((found) => found && found.ctime > since)) return;
  const stamps = await stampsOf(serviceDir, [...read, ...written]);
  await writeFile(join(serviceDir, FILE), JSON.stringify({ build, stamps } satisfies Kept));
}

async function readKept(serviceDir: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(join(serviceDir, FILE), 'utf8'));
  } catch {
    return undefined; // The file is missing or half written, so everything is built.
  }
}

async function stampsOf(serviceDir: string, paths: string[]): Promise<Record<string, string>> {
  const stamps = paths.map(async (path) => {
    const found = await statOf(serviceDir, path);
    // npm gives all files of a package one modification time; the time of the last change tells a new install.
    return [path, found ? `${found.size} ${found.mtimeMs} ${found.ctimeMs}` : 'missing'];
  });
  return Object.fromEntries(await Promise.all(stamps));
}

function statOf(serviceDir: string, path: string) {
  return stat(resolve(serviceDir, path)).catch(() => undefined);
}
