/** Installs packages by npm in empty folders, and runs their programs with a Node of choice. */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outputOf } from './program.ts';
import { MODULES } from './root.ts';
import { plainEnvironment } from './sls.ts';

/** Installs packages in a folder of their own, once. */
export async function install(project: string, packages: readonly string[]): Promise<string> {
  const exists = await stat(project).then(
    () => true,
    () => false,
  );
  if (exists) return project;
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"private":true}');
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--save-dev'];
  await mustRun('npm', ['install', ...quick, ...packages], project);
  return project;
}

/** Gives a project the jars of this repository, without which Maven would fetch Kafka once more. */
export async function linkJars(project: string): Promise<void> {
  await mkdir(join(project, '.local'));
  await symlink(join(dirname(MODULES), '.local/jars'), join(project, '.local/jars'));
}

/** Installs a Node, such as 22.15.0 or the newest 24, once. @returns its program */
export async function installNode(folder: string, version: string): Promise<string> {
  const home = await install(join(folder, `node-${version}`), [`node@${version}`]);
  return join(home, 'node_modules/node/bin/node');
}

export interface Size {
  readonly packages: number;
  readonly megabytes: number;
  /** In blocks of the disk. */
  readonly megabytesOnDisk: number;
}

/** Number and size of the packages that are installed in a project. */
export async function sizeOf(project: string): Promise<Size> {
  const modules = join(project, 'node_modules');
  const { packages } = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'));
  const entries = await readdir(modules, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => stat(join(file.parentPath, file.name))));
  const megabytes = (of: (file: (typeof sizes)[number]) => number) =>
    sizes.reduce((sum, file) => sum + of(file), 0) / 1e6;
  return {
    packages: Object.keys(packages).length,
    megabytes: megabytes(({ size }) => size),
    megabytesOnDisk: megabytes(({ blocks }) => blocks * 512),
  };
}

export function sizeText({ packages, megabytes, megabytesOnDisk }: Size): string {
  const onDisk = megabytesOnDisk.toFixed(1);
  return `${packages} packages, ${megabytes.toFixed(1)} MB, ${onDisk} MB in blocks of the disk`;
}

/** A bound for a program that hangs. */
const LIMIT_MS = 240_000;

/** Starts a program with its own Node first in the path. npm has the whole environment, for its registry. */
export function start(
  command: string,
  args: readonly string[],
  cwd: string,
  env: object = {},
  limitMs = LIMIT_MS,
) {
  const isNpm = command === 'npm';
  const own = plainEnvironment({ ...env, NODE_COMPILE_CACHE: undefined });
  const child = spawn(command, args, {
    cwd,
    env: isNpm ? process.env : { ...own, PATH: `${dirname(command)}:${own.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
  });
  const output = outputOf(child);
  let code: number | null | undefined;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      code = status;
      resolve(status);
    });
  });
  return { child, ended, output, hasEnded: () => code !== undefined };
}

/** Runs a program to its end. @returns its output @throws Error with the output if it fails */
export async function mustRun(
  command: string,
  args: readonly string[],
  cwd: string,
  env: object = {},
  limitMs = LIMIT_MS,
) {
  const program = start(command, args, cwd, env, limitMs);
  const code = await program.ended;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${program.output()}`);
  return program.output();
}
