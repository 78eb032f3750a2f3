import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { install, mustRun } from '../support/install.ts';
import { BEFORE, recipes } from '../support/recipes.ts';
import { MODULES } from '../support/root.ts';
import { pack } from '../support/tarball.ts';
import { imported, only, RUNNERS, type Runner } from './runners.ts';

const HELP = `npm run test:kit -- [--only <runner>] [--times <n>]

Packs the plugin, installs it by npm in an empty folder beside each test runner (node:test, jest, vitest), checks
the types of a test of the kit, and runs that test <n> times, once by default. Each run must end by itself.
Jest runs it as a module and as CommonJS. With node:test and vitest it also runs the tests in docs/testing.md and
docs/recipes.md.
Packages come from npm.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    times: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
});

const { '@types/node': types } = packageJson.devDependencies;

/** The test, which is JavaScript and checked as TypeScript. */
const source = (runner: Runner) => `// @ts-check
${imported('assert', 'node:assert/strict', runner)}
${imported('{ test }', runner.from, runner)}
${imported('{ kafkaEventSource }', 'lambda-kafka-event-source/testing', runner)}

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
      if (runner.recipes) await runRecipes(runner, project, runner.recipes);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(runner: Runner, project: string): Promise<void> {
  const { name, file, command } = runner;
  await writeFile(join(project, file), source(runner));
  await checkTypes(project, [file]);
  for (let time = 0; time < Number(values.times); time += 1) {
    const begin = performance.now();
    const output = await mustRun(process.execPath, [...command, ...only(runner, file)], project);
    const figures = output.match(/(first record after|fifty tests within) \d+ ms/g) ?? [];
    console.log(
      `${name}: ${figures.join(', ')}, all in ${Math.round(performance.now() - begin)} ms`,
    );
  }
}

async function checkTypes(project: string, files: readonly string[]): Promise<void> {
  const tsc = join(MODULES, 'typescript/bin/tsc');
  const strict = ['--noEmit', '--strict', '--noUncheckedIndexedAccess', '--skipLibCheck'];
  const script = ['--allowJs', '--checkJs'];
  const modules = ['--module', 'nodenext', '--target', 'esnext', '--types', 'node'];
  await mustRun(process.execPath, [tsc, ...strict, ...script, ...modules, ...files], project);
}

async function runRecipes(runner: Runner, project: string, pattern: RegExp): Promise<void> {
  const files = [...(await recipes())].filter(([name]) => pattern.test(name) && name !== BEFORE);
  for (const [name, text] of files) await writeFile(join(project, name), text);
  const names = files.map(([name]) => name);
  if (names.length === 0) throw new Error(`The pages have no tests for ${runner.name}.`);
  const typed = names.filter((name) => name.endsWith('.ts'));
  if (typed.length > 0) await checkTypes(project, typed);
  const tests = names.filter((name) => name.includes('.test.'));
  await mustRun(process.execPath, [...runner.command, ...tests], project);
  console.log(`${runner.name}: ${tests.join(', ')}`);
}

await main();
