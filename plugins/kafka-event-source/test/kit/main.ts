import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { install, mustRun } from '../support/install.ts';
import { MODULES, ROOT } from '../support/root.ts';
import { pack } from '../support/tarball.ts';
import { blocksOf } from '../walks/blocks.ts';

const HELP = `npm run test:kit -- [--only <runner>] [--times <n>]

Packs the plugin, installs it by npm in an empty folder beside each test runner (node:test, jest, vitest), checks
the types of a test of the kit, and runs that test <n> times, once by default. Each run must end by itself.
With node:test it also runs the recipes of docs/testing.md.
Packages come from npm.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    times: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
});

interface Runner {
  readonly name: string;
  readonly packages: readonly string[];
  /** The line that imports `test`. */
  readonly imports: string;
  readonly command: readonly string[];
}

const { jest, '@types/node': types } = packageJson.devDependencies;
const RUNNERS: readonly Runner[] = [
  {
    name: 'node:test',
    packages: [],
    imports: "import { test } from 'node:test';",
    command: ['--test', 'kit.test.mjs'],
  },
  {
    name: 'jest',
    packages: [`jest@${jest}`],
    imports: "import { test } from '@jest/globals';",
    command: [
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      '--testMatch',
      '**/kit.test.mjs',
    ],
  },
  {
    name: 'vitest',
    packages: ['vitest@5.1.2'],
    imports: "import { test } from 'vitest';",
    command: ['node_modules/vitest/vitest.mjs', 'run', 'kit.test.mjs'],
  },
];

/** The test, which is JavaScript and checked as TypeScript. */
const source = (imports: string) => `// @ts-check
import assert from 'node:assert/strict';
${imports}
import { kafkaEventSource } from 'lambda-kafka-event-source/testing';

const begun = performance.now();
const letters = 'order-events-dlq';

test('a record reaches its handler', async () => {
  const source = await kafkaEventSource({
    functions: { notify: async () => ({}) },
    mappings: { notify: { topic: 'order-events' } },
  });
  await source.produce('order-events', { key: 'order-1', value: { id: 1 } });
  await source.idle();
  console.log('first record after ' + Math.round(performance.now() - begun) + ' ms');
  assert.equal(source.invocations('notify').length, 1);
  await source.stop();
});

const began = performance.now();
for (let index = 0; index < 50; index += 1) {
  test('poison becomes a letter after ten retries, ' + index, async () => {
    const source = await kafkaEventSource({
      functions: {
        notify: async () => {
          throw new Error('poison');
        },
      },
      mappings: {
        notify: {
          topic: 'order-events',
          provisionedPollerConfig: { minimumPollers: 1 },
          onFailureDestination: 'kafka://' + letters,
        },
      },
    });
    await source.produce('order-events', { key: 'order-1', value: { id: 1 } });
    await source.clock.advance('6 days');
    assert.equal(source.invocations('notify').length, 11);
    assert.equal((await source.letters(letters)).length, 1);
    if (index === 49) {
      console.log('fifty tests within ' + Math.round(performance.now() - began) + ' ms');
    } else await source.stop();
  });
}
`;

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const folder = await mkdtemp(join(tmpdir(), 'kes-kit-'));
  try {
    const tarball = await pack(folder);
    for (const [index, runner] of RUNNERS.entries()) {
      if (!runner.name.includes(values.only)) continue;
      const project = join(folder, `project-${index}`);
      await install(project, [`@types/node@${types}`, ...runner.packages, tarball]);
      await run(runner, project);
      if (runner.packages.length === 0) await runRecipes(project);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run({ name, imports, command }: Runner, project: string): Promise<void> {
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await writeFile(join(project, 'kit.test.mjs'), source(imports));
  const tsc = join(MODULES, 'typescript/bin/tsc');
  const strict = ['--noEmit', '--strict', '--allowJs', '--checkJs', '--skipLibCheck'];
  const modules = ['--module', 'nodenext', '--target', 'esnext', '--types', 'node'];
  await mustRun(process.execPath, [tsc, ...strict, ...modules, 'kit.test.mjs'], project);
  for (let time = 0; time < Number(values.times); time += 1) {
    const begin = performance.now();
    const output = await mustRun(process.execPath, command, project);
    const figures = output.match(/(first record after|fifty tests within) \d+ ms/g) ?? [];
    console.log(
      `${name}: ${figures.join(', ')}, all in ${Math.round(performance.now() - begin)} ms`,
    );
  }
}

async function runRecipes(project: string): Promise<void> {
  const recipes = blocksOf(await readFile(join(ROOT, 'docs/testing.md'), 'utf8'));
  if (recipes.length === 0) throw new Error('docs/testing.md has no recipes.');
  for (const { word, text } of recipes) await writeFile(join(project, word), text);
  await mustRun(process.execPath, ['--test', ...recipes.map(({ word }) => word)], project);
  console.log(`recipes: ${recipes.map(({ word }) => word).join(', ')}`);
}

await main();
