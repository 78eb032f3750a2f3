import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const TERMINAL = join(import.meta.dirname, '../../plugins/build/terminal.ts');

/** The output of a process that holds its output back while it runs `code`. */
async function printed(code: string): Promise<string> {
  const script = `
    import { holdOutput } from '${TERMINAL}';
    const release = holdOutput();
    ${code}
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
  return stdout;
}

const PRINTS = "console.log('a box'); console.log('Warning: look'); console.log('more');";

test('text that was held back is not printed after the release, but warnings are', async () => {
  expect(await printed(`${PRINTS} release(); console.log('free');`)).toBe('Warning: look\nfree\n');
});

test('a process that ends before the release prints everything', async () => {
  expect(await printed(PRINTS)).toBe('a box\nWarning: look\nmore\n');
});
