import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { type BuildReport, buildFunctions } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

let functions: BuildReport['functions'];

beforeAll(async () => {
  ({ functions } = await buildFunctions(ROOT));
}, 60_000);

const bundle = (name: string) => readFile(join(ROOT, 'dist', name, 'handler.js'), 'utf8');

test("of those that sign in to Kafka, only notify's nobody waits for: it alone takes Lambda's client for secrets", async () => {
  const late: string[] = [];
  for (const { name } of functions) {
    if ((await bundle(name)).includes('("@aws-sdk/client-secrets-manager")')) late.push(name);
  }
  expect(late).toEqual(['notify']);
});

test('the image has all that the build reads', async () => {
  const ignore = await readFile(join(ROOT, '.dockerignore'), 'utf8');
  const config = await readFile(join(ROOT, 'esbuild.config.ts'), 'utf8');
  const shipped = [...ignore.matchAll(/^!(.+)$/gm)].map(([, path = '']) => path);
  const read = [...config.matchAll(/'(?:\.\/)?((?:lib|plugins)\/[^']+\.ts)'/g)].map(
    ([, path = '']) => path,
  );
  expect(read).toEqual(expect.arrayContaining(['plugins/build/trim.ts', 'lib/credentials.ts']));
  const missing = read.filter((path) => !shipped.some((entry) => path.startsWith(`${entry}/`)));
  expect(missing).toEqual([]);
});
