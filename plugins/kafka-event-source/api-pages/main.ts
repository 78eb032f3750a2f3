/** Writes docs/api from the types that the package publishes, and their comments. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const HELP = `npm run docs -- [--out <folder>]

Writes docs/api, or the folder, from testing/types.ts and index.d.mts. Fails if a type, a function or a property
lacks a comment. TypeDoc is installed into .local/ by npm for the first run; later runs need no network.`;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '../docs/api') },
    help: { type: 'boolean' },
  },
});

const run = promisify(execFile);
const inside = (file: string) => join(import.meta.dirname, file);
const FILES = ['package.json', 'package-lock.json'];

/** The folder .local beside node_modules: this package's own, or the workspace's. */
const local = () => {
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('esbuild/package.json')));
  return join(dirname(modules), '.local');
};

/** Installs the tools once for each lock file. @returns their node_modules */
async function install(): Promise<string> {
  const lock = await readFile(inside('package-lock.json'));
  const version = createHash('sha256').update(lock).digest('hex').slice(0, 8);
  const home = join(local(), `typedoc-${version}`);
  const modules = join(home, 'node_modules');
  if (await exists(home)) return modules;
  await mkdir(local(), { recursive: true });
  // Moved into place when it is complete, because two runs may install at the same time.
  const fresh = await mkdtemp(`${home}-`);
  try {
    for (const file of FILES) await copyFile(inside(file), join(fresh, file));
    const quick = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', ['ci', ...quick], { cwd: fresh });
    await rename(fresh, home).catch(async (error: unknown) => {
      if (!(await exists(home))) throw error;
    });
    return modules;
  } catch (cause) {
    throw new Error(
      `TypeDoc cannot be installed. Its first installation needs a network: ${outputOf(cause)}`,
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}` || String(error);
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const modules = await install();
  const options = ['--options', inside('typedoc.json'), '--out', resolve(values.out)];
  const plugin = ['--plugin', join(modules, 'typedoc-plugin-markdown/dist/index.js')];
  const program = join(modules, 'typedoc/bin/typedoc');
  try {
    await run(process.execPath, [program, ...options, ...plugin], {
      env: { ...process.env, NO_COLOR: '1' },
    });
  } catch (cause) {
    throw new Error(
      `docs/api cannot be written:\n${outputOf(cause)}Write a comment above each that has none: what it is, its ` +
        'unit, its default, and its errors.',
    );
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
