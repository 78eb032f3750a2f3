import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { isSupported, OLDEST_NODE } from './node-version.ts';

test.each([
  ['18.20.8', false],
  ['20.19.5', false],
  ['22.14.0', false],
  ['22.15.0', true],
  ['22.21.1', true],
  ['24.0.0', true],
  ['26.1.0', true],
])('Node %s: supported is %s', (release, supported) => {
  expect(isSupported(release)).toBe(supported);
});

test('package.json names the same Node', () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));
  expect(`${engines.node}.0`).toBe(`>=${OLDEST_NODE}`);
});

test('under an older Node the plugin ends its load with one line that names the needed Node and this one', async () => {
  // Without zstd, as there: another module would fail by that.
  const old = `import { syncBuiltinESMExports } from 'node:module'; import zlib from 'node:zlib';
    Object.defineProperty(process.versions, 'node', { value: '20.19.5' });
    delete zlib.zstdDecompress; syncBuiltinESMExports();`;
  const script = `await import('./index.ts').catch(({ name, message }) => console.log(name, message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(old)}`,
      '--input-type=module',
      '-e',
      script,
    ],
    { cwd: import.meta.dirname },
  );
  expect(stdout).toBe(
    `ServerlessError lambda-kafka-event-source needs Node ${OLDEST_NODE} or later; ` +
      `this is Node 20.19.5 (${process.execPath}).\n`,
  );
});
