import { symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The folder of this package. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** The folder of the packages that it needs: its own, or that of the workspace. */
export const MODULES = dirname(
  dirname(createRequire(import.meta.url).resolve('jest/package.json')),
);

/** Gives a folder what a service needs that uses this package from its source, as `PLUGIN`. */
export async function link(folder: string): Promise<void> {
  await symlink(MODULES, join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'plugin'));
}

export const PLUGIN = './plugin/index.ts';
