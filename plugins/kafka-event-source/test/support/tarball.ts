/** The package as it is published. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copySource } from './root.ts';
import { plainEnvironment } from './sls.ts';

/** Packs this package, in a copy because the build changes package.json. @returns the tarball's path */
export async function pack(folder: string): Promise<string> {
  const source = join(folder, 'source');
  await copySource(source);
  const env = plainEnvironment() as NodeJS.ProcessEnv;
  const args = ['pack', '--pack-destination', folder];
  await promisify(execFile)('npm', args, { cwd: source, env, timeout: 60_000 });
  const [tarball = ''] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  return join(folder, tarball);
}
