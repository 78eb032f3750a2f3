import { cp, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

/** The folder of this package. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** The folder of the needed packages: this package's own, or the workspace's. */
export const MODULES = dirname(
  dirname(createRequire(import.meta.url).resolve('jest/package.json')),
);

/** Prepares a folder for a service that uses this package from its source, as `PLUGIN`. */
export async function link(folder: string): Promise<void> {
  await symlink(MODULES, join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'plugin'));
}

const BUILT = new Set(['node_modules', 'dist', '.local']);

/** Copies this package's source into a folder, beside the needed packages. */
export async function copySource(folder: string): Promise<void> {
  const isSource = (path: string) =>
    path === ROOT || !(BUILT.has(basename(path)) || path.endsWith('.tgz'));
  await cp(ROOT, folder, { recursive: true, filter: isSource });
  await symlink(MODULES, join(folder, 'node_modules'));
}

export const PLUGIN = './plugin/index.ts';
