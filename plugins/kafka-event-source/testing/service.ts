/** Reads the mappings of a serverless.yml by the framework itself, in a process of its own. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { PrintedMapping } from '../commands/mappings-command.ts';

/** Only against a framework that hangs. */
const LIMIT_MS = 60_000;
const run = promisify(execFile);

/** The mappings that have been read, by arguments: the tests of a file share them. */
const known = new Map<string, Promise<readonly PrintedMapping[]>>();

/**
 * The mappings of the service.
 *
 * @param file its serverless.yml
 * @param settings in place of those in custom.kafkaEventSource
 * @throws Error with the framework's output if it fails, and if the file, the plugin or the framework is missing
 */
export async function readService(file: string, settings: object, stage: string | undefined) {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new Error(`There is no file ${resolve(file)}, which \`service\` names.`);
  }
  const args = ['kafka', 'mappings', '--json', '--environment', '--settings'];
  args.push(JSON.stringify(settings));
  if (stage !== undefined) args.push('--stage', stage);
  const key = JSON.stringify([resolve(file), args]);
  const reading = known.get(key) ?? read(resolve(file), args);
  known.set(key, reading);
  return reading;
}

async function read(file: string, args: readonly string[]): Promise<readonly PrintedMapping[]> {
  const cwd = dirname(file);
  const command = [frameworkIn(cwd), ...args, '--config', basename(file)];
  try {
    const { stdout } = await run(process.execPath, command, {
      cwd,
      timeout: LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' },
    });
    return JSON.parse(stdout) as readonly PrintedMapping[];
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`The framework cannot read ${file}: ${stderr || stdout || error}`);
  }
}

/** The framework's program, as the service has it installed. */
function frameworkIn(folder: string): string {
  const { resolve: find } = createRequire(join(folder, 'package.json'));
  const manifest = installed(folder, find);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    bin: Readonly<Record<string, string>>;
  };
  return join(dirname(manifest), bin.serverless ?? bin.sls ?? '');
}

/** The framework's package.json. @throws Error that says what to install */
function installed(folder: string, find: (name: string) => string): string {
  try {
    return find('serverless/package.json');
  } catch (cause) {
    throw new Error(
      `No framework is installed in ${folder}, which must read its service: npm install --save-dev ` +
        'serverless@npm:osls@4. Without a framework, give the test mappings or a template.',
      { cause },
    );
  }
}
