/** Runs the tests in the pages of the test kit. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BEFORE, NEEDED, recipes, writeRecipes } from '../support/recipes.ts';
import { ROOT } from '../support/root.ts';
import { typeErrors } from '../support/typescript.ts';

let folder: string;
let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-recipes-'));
  files = await recipes();
  await writeRecipes(folder, files);
});

afterAll(() => rm(folder, { recursive: true }));

/** Runs tests of JavaScript in one process. @returns the names of those that passed and failed */
async function run(cwd: string, names: readonly string[]) {
  const flags = ['--test', '--test-isolation=none', '--test-reporter=tap'];
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    // The printed lines already name the tests that failed, so the exit code is not needed.
    execFile(process.execPath, [...flags, ...names], { cwd, timeout: 60_000 }, (_, stdout) =>
      resolve({ stdout }),
    );
  });
  const titles = (pattern: RegExp) => [...stdout.matchAll(pattern)].map(([, title]) => title);
  return {
    passed: titles(/^ok \d+ - (.*)$/gm),
    failed: titles(/^not ok \d+ - (.*)$/gm),
    output: stdout,
  };
}

const isRun = (name: string) => name.endsWith('.test.mjs') && name !== BEFORE;

test('each recipe of the pages passes', async () => {
  const names = [...files.keys()].filter(isRun);
  const { passed, failed, output } = await run(folder, names);
  expect([failed, failed.length > 0 ? output : '']).toEqual([[], '']);
  // One file has a test for each of three seeds.
  expect(passed).toHaveLength(names.length + 2);
});

test('a recipe fails without the line that it marks as needed', async () => {
  const without = [...files]
    .filter(([, text]) => text.includes(NEEDED))
    .map(([name, text]) => {
      const lines = text.split('\n').filter((line) => !line.includes(NEEDED));
      return [`without-${name}`, lines.join('\n')] as const;
    });
  const own = await mkdtemp(join(folder, 'without-'));
  await writeRecipes(own, without);
  const { passed, failed } = await run(
    own,
    without.map(([name]) => name),
  );
  expect([passed, failed]).toEqual([[], expect.any(Array)]);
  expect(failed.length).toBeGreaterThanOrEqual(without.length);
  expect(without.length).toBeGreaterThan(1);
});

test('each recipe of the table has a test of its own', async () => {
  const [entry = '', page = ''] = await Promise.all(
    ['docs/testing.md', 'docs/recipes.md'].map((file) => readFile(join(ROOT, file), 'utf8')),
  );
  const rows = [...entry.matchAll(/^\| \[(.+?)\]\(recipes\.md#/gm)].map(([, name]) => name);
  const sections = page.split('\n## ').slice(1);
  expect(sections.map((section) => section.split('\n')[0])).toEqual(rows);
  expect(sections.filter((section) => !/^```js \S+\.test\.mjs$/m.test(section))).toEqual([]);
});

test('the recipes fit the types of the kit', async () => {
  const stubs = `
    declare module 'vitest' { export const test: (title: string, run: () => unknown) => void;
      export const expect: (value: unknown) => { toContain(text: string): void } }
    declare module '@testcontainers/kafka' { export const KafkaContainer: any }`;
  const errors = await typeErrors(
    { ...Object.fromEntries(files), 'stubs.d.ts': stubs },
    {
      allowJs: true,
      checkJs: true,
      noImplicitAny: false,
      strictNullChecks: false,
      noUncheckedIndexedAccess: false,
      // The published types.
      paths: { 'lambda-kafka-event-source/testing': ['./plugin/testing/types.ts'] },
    },
  );
  expect(errors).toEqual([]);
});
