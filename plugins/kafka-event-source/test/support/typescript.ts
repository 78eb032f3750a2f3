/** Checks the types of sources that a test writes. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { link, MODULES, ROOT } from './root.ts';

const run = promisify(execFile);

/**
 * The errors of these files, by name and contents, under the rules of tsconfig.json and of `compilerOptions`:
 * a line each, `file.ts(1,2): error TS1: …`. Empty if there are no errors.
 */
export async function typeErrors(
  files: Readonly<Record<string, string>>,
  compilerOptions: object = {},
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'types-'));
  try {
    await link(folder);
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions,
      files: Object.keys(files),
      include: [],
    };
    const sources = {
      ...files,
      'tsconfig.json': JSON.stringify(config),
      'package.json': '{"type":"module"}',
    };
    for (const [name, contents] of Object.entries(sources)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), contents);
    }
    return await compile(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compile(cwd: string): Promise<string[]> {
  const tsc = join(MODULES, 'typescript/bin/tsc');
  try {
    await run(process.execPath, [tsc, '--noEmit', '--pretty', 'false'], { cwd, timeout: 60_000 });
    return [];
  } catch (error) {
    const { stdout, code } = error as { stdout?: string; code?: unknown };
    const errors = stdout?.split('\n').filter((line) => line.includes(': error TS')) ?? [];
    // The compiler was killed or did not start, so it has not checked the sources.
    if (typeof code !== 'number' || errors.length === 0) throw error;
    return errors;
  }
}
