import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type BuildReport, buildFunctions } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

let functions: BuildReport['functions'];

beforeAll(async () => {
  ({ functions } = await buildFunctions(ROOT));
}, 60_000);

/** The clients of the AWS SDK with code in the function's bundle. */
async function clientsIn(name: string): Promise<string[]> {
  const map = await readFile(join(ROOT, 'dist', name, 'handler.js.map'), 'utf8');
  const { sources }: { sources: string[] } = JSON.parse(map);
  const clients = sources.flatMap((file) => /@aws-sdk\/client-([\w-]+)/.exec(file)?.[1] ?? []);
  return [...new Set(clients)].toSorted();
}

test('every client of the AWS SDK is in the bundle, none is of Lambda', async () => {
  const clients = new Map<string, string[]>();
  for (const { name } of functions) clients.set(name, await clientsIn(name));
  expect(clients.get('notify')).toEqual(['dynamodb', 'secrets-manager', 'sesv2', 'sns']);
  expect(clients.get('createOrder')).toEqual(['dynamodb', 'secrets-manager']);
  for (const { name } of functions) {
    const bundle = await readFile(join(ROOT, 'dist', name, 'handler.js'), 'utf8');
    expect([name, bundle.match(/\(["'`]@aws-sdk\/client-[\w-]+["'`]\)/g)]).toEqual([name, null]);
  }
});

test('the image has all that the build reads', async () => {
  const ignore = await readFile(join(ROOT, '.dockerignore'), 'utf8');
  const config = await readFile(join(ROOT, 'esbuild.config.ts'), 'utf8');
  const shipped = [...ignore.matchAll(/^!(.+)$/gm)].map(([, path = '']) => path);
  const read = [...config.matchAll(/'(?:\.\/)?((?:lib|plugins)\/[^']+\.ts)'/g)].map(
    ([, path = '']) => path,
  );
  expect(read).toEqual(expect.arrayContaining(['plugins/build/notices.ts', 'lib/credentials.ts']));
  const missing = read.filter((path) => !shipped.some((entry) => path.startsWith(`${entry}/`)));
  expect(missing).toEqual([]);
});
