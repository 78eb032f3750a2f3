/** Builds and runs the program of each language. Builds go to .local/languages. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fetchJars, jarFolder } from '../../broker/jars.ts';
import { supervise } from '../../broker/supervise.ts';
import { MODULES } from '../support/root.ts';

const execute = promisify(execFile);

interface Toolchain {
  /** Its commands, which must be on the PATH. */
  readonly commands: readonly string[];
  /** The file with the versions of its libraries. */
  readonly pins: string;
  /** Builds the program, and runs it on a folder of payloads; its output has a line for each result. */
  run(payloads: string): Promise<string>;
}

const HOME = join(dirname(MODULES), '.local/languages');
const LIMIT_MS = 10 * 60_000;

const source = (path: string) => join(import.meta.dirname, path);
const jars = { name: 'languages', pom: source('java/pom.xml') };

export const TOOLCHAINS = {
  go: {
    commands: ['go'],
    pins: 'go/go.mod',
    async run(payloads) {
      const program = join(HOME, 'go/reader');
      await run('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd: source('go') });
      return run(program, [payloads]);
    },
  },
  java: {
    commands: ['java', 'javac', 'mvn'],
    pins: 'java/pom.xml',
    async run(payloads) {
      await withJars();
      const classes = join(HOME, 'java');
      const path = [classes, join(jarFolder(jars), '*')].join(delimiter);
      await run('javac', ['-cp', path, '-d', classes, source('java/Reader.java')]);
      return run('java', ['-cp', path, 'Reader', payloads]);
    },
  },
  rust: {
    commands: ['cargo'],
    pins: 'rust/Cargo.toml',
    async run(payloads) {
      const target = join(HOME, 'rust');
      const manifest = source('rust/Cargo.toml');
      const files = ['--manifest-path', manifest, '--target-dir', target];
      await run('cargo', ['build', '--locked', '--quiet', ...files]);
      return run(join(target, 'debug/readers'), [payloads]);
    },
  },
  python: {
    commands: ['python3'],
    pins: 'python/requirements.txt',
    async run(payloads) {
      const python = await virtualEnvironment(source('python/requirements.txt'));
      return run(python, [source('python/reader.py'), payloads]);
    },
  },
} as const satisfies Record<string, Toolchain>;

export type Language = keyof typeof TOOLCHAINS;

/** The commands of a language that this machine lacks. */
export async function missingCommands(language: Language): Promise<string[]> {
  const missing = await Promise.all(
    TOOLCHAINS[language].commands.map(async (command) => {
      const error = await execute(command, ['version']).then(
        () => null,
        ({ code }) => code,
      );
      return error === 'ENOENT' ? [command] : [];
    }),
  );
  return missing.flat();
}

/** The version of a library, from the file that pins it. */
export function versionOf(language: Language, library: string): string {
  const pins = readFileSync(source(TOOLCHAINS[language].pins), 'utf8');
  const [, version] = new RegExp(`${RegExp.escape(library)}\\D*([\\d.]+)`).exec(pins) ?? [];
  if (!version) throw new Error(`${TOOLCHAINS[language].pins} has no version of ${library}.`);
  return version;
}

async function withJars(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'languages-jars-'));
  const supervisor = supervise(directory);
  try {
    await fetchJars(jars, { supervisor, directory, say: console.error });
  } finally {
    await supervisor.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The Python of a virtual environment with these requirements, which are installed the first time. */
export async function virtualEnvironment(requirements: string): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const home = join(HOME, `python-${hash}`);
  const python = join(home, 'bin/python');
  const ready = join(home, 'ready'); // Written last: without it an installation was broken off.
  if (existsSync(ready)) return python;
  await run('python3', ['-m', 'venv', '--clear', home]).catch((error) => {
    throw new Error(
      `Python needs its module venv (Debian: apt-get install python3-venv). ${error}`,
    );
  });
  await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements]);
  await writeFile(ready, '');
  return python;
}

/** Runs a command to its end, and returns its output. */
async function run(
  command: string,
  args: readonly string[],
  { cwd = HOME }: { cwd?: string } = {},
): Promise<string> {
  await mkdir(HOME, { recursive: true });
  const { stdout } = await execute(command, args, {
    cwd,
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
