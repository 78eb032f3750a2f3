import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { install, mustRun } from '../support/install.ts';
import { pack } from '../support/tarball.ts';
import { imported, only, RUNNERS, type Runner } from './runners.ts';

const HELP = `npm run test:kit-shuffled -- [--only <runner>] [--rounds <n>] [--starts <n>] [--seed <n>]

Packs the plugin, installs it beside node:test, jest and vitest, and runs a suite of 50 tests whose order a seed
shuffles: <n> rounds in one process of node:test (1000), and <n> starts each of jest and vitest (50). No test may
fail, no handle may be open at the end, and each process must end by itself. The seed is printed.
Packages come from npm.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '1000' },
    starts: { type: 'string', default: '50' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    help: { type: 'boolean' },
  },
});

/** A line of a runner about a process that something keeps alive. */
const OPEN = /did not exit|failed to exit|open handles?:? *[1-9]|KafkaEventSourceLeak/i;
const SUITE = 'suite.mjs';
/** A thousand rounds take five minutes on two busy cores. */
const LIMIT_MS = 30 * 60_000;

/** The test file. The suite itself knows no runner. */
const testFile = (runner: Runner, rounds: number) => `
${imported('{ test }', runner.from, runner)}
import { shuffledTests } from './${SUITE}';

const seed = Number(process.env.KIT_SEED);
for (let round = 0; round < ${rounds}; round += 1) {
  for (const [name, run] of shuffledTests(seed + round)) test(name + ' ' + round, run);
}
test('no handle is left', () => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => /^(Timeout|TCP|FS)/.test(kind));
  // The runner has timers of its own.
  console.log('kinds at the end: ' + (kinds.join() || 'none'));
});
`;

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const folder = await mkdtemp(join(tmpdir(), 'kes-kit-'));
  console.log(`seed ${values.seed}`);
  try {
    const tarball = await pack(folder);
    for (const [index, runner] of RUNNERS.entries()) {
      if (!runner.name.includes(values.only) || runner.file === 'kit.test.cjs') continue;
      const project = await install(join(folder, `project-${index}`), [
        ...runner.packages,
        tarball,
      ]);
      await copyFile(join(import.meta.dirname, SUITE), join(project, SUITE));
      await run(runner, project);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(runner: Runner, project: string): Promise<void> {
  const isOneProcess = runner.from === 'node:test';
  const rounds = isOneProcess ? Number(values.rounds) : 1;
  const starts = isOneProcess ? 1 : Number(values.starts);
  await writeFile(join(project, runner.file), testFile(runner, rounds));
  const begin = performance.now();
  // A process of its own for the file would be a second one.
  const command = isOneProcess
    ? ['--test-reporter=dot', runner.file]
    : [...runner.command, ...only(runner, runner.file)];
  let kinds = '';
  for (let start = 0; start < starts; start += 1) {
    const env = { KIT_SEED: `${Number(values.seed) + start}` };
    const output = await mustRun(process.execPath, command, project, env, LIMIT_MS);
    const open = output.split('\n').find((line) => OPEN.test(line));
    if (open !== undefined) throw new Error(`${runner.name}: ${open}`);
    kinds = /kinds at the end: (.*)/.exec(output)?.[1] ?? kinds;
  }
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
  const tests = rounds * starts * 50;
  console.log(
    `${runner.name}: ${tests} tests in ${starts} ${starts === 1 ? 'process' : 'processes'}, ${seconds} s, 0 failed; active at the end: ${kinds}`,
  );
}

await main();
