/** The tests in the pages of the test kit, as their readers copy them. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blocksOf } from '../walks/blocks.ts';
import { MODULES, ROOT } from './root.ts';

export const PAGES = ['docs/testing.md', 'docs/recipes.md'];
/** The test that needs a container of Kafka. */
export const BEFORE = 'before.test.mjs';
/** A line with this comment is the one that the recipe is about. */
export const NEEDED = '// without this line the test fails';

/** The files of the pages, by name. */
export async function recipes(): Promise<ReadonlyMap<string, string>> {
  const pages = await Promise.all(PAGES.map((page) => readFile(join(ROOT, page), 'utf8')));
  const blocks = pages.flatMap(blocksOf).filter(({ word }) => word !== '');
  return new Map(blocks.map(({ word, text }) => [word, text]));
}

/** Writes files into a folder in which this package and some of its own packages are installed. */
export async function writeRecipes(
  folder: string,
  files: Iterable<readonly [name: string, text: string]>,
  packages: readonly string[] = [],
): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  await symlink(ROOT, join(modules, 'lambda-kafka-event-source'));
  for (const name of packages) await symlink(join(MODULES, name), join(modules, name));
  for (const [name, text] of files) await writeFile(join(folder, name), text);
}
