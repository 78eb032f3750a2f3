import { symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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

export const PLUGIN = './plugin/index.ts';
