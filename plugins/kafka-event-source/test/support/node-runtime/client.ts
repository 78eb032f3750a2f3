import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MODULES } from '../root.ts';

const run = promisify(execFile);

const PACKAGE = 'aws-lambda-ric@4.0.2';
/** The checksum of its `index.mjs`: the tests run AWS's own file, of this very release. */
const SHA256 = '180651f3b1745cb68797cdba9a26c01da6c72b81c908400ebc6c27a43986c2e0';
const HOME = join(dirname(MODULES), '.local');
const FOLDER = join(HOME, PACKAGE);
const TIMEOUT_MS = 60_000;

/** Preloaded, it takes the place of the client's compiled part, which a packed client lacks. */
export const NATIVE = join(import.meta.dirname, 'native.cjs');

/**
 * The folder of AWS's runtime interface client. It is packed out of the registry into `.local/` at
 * first, and not a dev dependency: its installation compiles curl, which not every machine can. The
 * environment's `LAMBDA_RIC` names an installed one, with its compiled part.
 */
export async function clientFolder(): Promise<string> {
  if (process.env.LAMBDA_RIC) return process.env.LAMBDA_RIC;
  if (!existsSync(FOLDER)) await fetchClient();
  return FOLDER;
}

async function fetchClient(): Promise<void> {
  await mkdir(HOME, { recursive: true });
  const work = await mkdtemp(`${FOLDER}.`);
  try {
    const pack = ['pack', PACKAGE, '--silent', '--ignore-scripts', '--pack-destination', work];
    const { stdout } = await run('npm', pack, { cwd: work, timeout: TIMEOUT_MS });
    await run('tar', ['-xzf', join(work, stdout.trim()), '-C', work], { timeout: TIMEOUT_MS });
    const file = await readFile(join(work, 'package/index.mjs'));
    const sum = createHash('sha256').update(file).digest('hex');
    if (sum !== SHA256) throw new Error(`${PACKAGE} has another index.mjs than expected: ${sum}`);
    // Two test runs at once both get here: the second finds the folder made.
    if (!existsSync(FOLDER)) await rename(join(work, 'package'), FOLDER);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
