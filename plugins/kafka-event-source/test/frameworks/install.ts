/** The frameworks that the plugin runs in, and how npm installs them in a folder. */
import { spawn } from 'node:child_process';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { plainEnvironment } from '../support/sls.ts';

export const OFFLINE = 'serverless-offline';

export interface Framework {
  readonly name: string;
  readonly packages: readonly string[];
  readonly nodes: readonly string[];
}

export const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'osls 4',
    packages: ['serverless@npm:osls@4', `${OFFLINE}@14`],
    nodes: ['20', '22.15.0', '22', '24', '26'],
  },
  {
    name: 'osls 3',
    packages: ['serverless@npm:osls@3', `${OFFLINE}@13`],
    nodes: ['22.15.0', '24'],
  },
  {
    name: 'Serverless Framework 3',
    packages: ['serverless@3.40.0', `${OFFLINE}@13`],
    nodes: ['22.15.0', '24'],
  },
];

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

/** Starts a program with its own Node first in the path. npm has the whole environment, for its registry. */
export function start(command: string, args: readonly string[], cwd: string, env: object = {}) {
  const isNpm = command === 'npm';
  const own = plainEnvironment({ ...env, NODE_COMPILE_CACHE: undefined });
  const child = spawn(command, args, {
    cwd,
    env: isNpm ? process.env : { ...own, PATH: `${dirname(command)}:${own.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000, // Only against a program that hangs.
  });
  let output = '';
  let code: number | null | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      code = status;
      resolve(status);
    });
  });
  return { child, ended, output: () => output, hasEnded: () => code !== undefined };
}

export async function mustRun(
  command: string,
  args: readonly string[],
  cwd: string,
  env: object = {},
) {
  const program = start(command, args, cwd, env);
  const code = await program.ended;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${program.output()}`);
  return program.output();
}
