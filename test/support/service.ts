import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './root.ts';

/** A service of a test's own in a temporary folder, with this project's plugins and packages. */
export async function createService(name: string, yml: string, functions: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), `orders-${name}-`));
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };
  const writeFunction = (key: string, code: string) => write(`functions/${key}/handler.ts`, code);
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await symlink(join(ROOT, 'plugins'), join(folder, 'plugins'));
  await write('package.json', '{ "type": "module" }');
  await write('serverless.yml', yml);
  for (const [key, code] of Object.entries(functions)) await writeFunction(key, code);
  return { folder, writeFunction, remove: () => rm(folder, { recursive: true, force: true }) };
}
