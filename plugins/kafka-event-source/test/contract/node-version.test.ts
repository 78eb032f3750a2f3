import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { complaintOf, OLDEST_NODE } from '../../node-version.ts';
import { ROOT } from '../support/root.ts';

test.each([
  ['18.20.8', false],
  ['20.19.5', false],
  ['22.14.0', false],
  ['22.15.0', true],
  ['22.21.1', true],
  ['24.0.0', true],
  ['26.1.0', true],
])('Node %s: supported is %s', (release, supported) => {
  expect(complaintOf(release) === undefined).toBe(supported);
});

test('package.json names the same Node', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(`${engines.node}.0`).toBe(`>=${OLDEST_NODE}`);
});

// Without zstd, as there: another module would fail by that.
const OLD = `import { syncBuiltinESMExports } from 'node:module'; import zlib from 'node:zlib';
  Object.defineProperty(process.versions, 'node', { value: '20.19.5' });
  delete zlib.zstdDecompress; syncBuiltinESMExports();`;
const under20 = (...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(OLD)}`, ...args],
    { cwd: ROOT },
  );
const complaint = `lambda-kafka-event-source needs Node ${OLDEST_NODE} or later; this is Node 20.19.5 (${process.execPath}).\n`;

test('under an older Node the plugin ends its load with an error that the framework prints as one line', async () => {
  const script = `await import('./index.ts').catch(({ name, message }) => console.log(name, message));`;
  const { stdout } = await under20('--input-type=module', '-e', script);
  expect(stdout).toBe(`ServerlessError ${complaint}`);
});

test('under an older Node the test kit says so, in whatever order its modules are loaded', async () => {
  const load = `await import('./testing/testing.ts').catch(({ message }) => console.log(message));`;
  const script = `await import('./protocol/codecs.ts'); ${load}`;
  const { stdout } = await under20('--input-type=module', '-e', script);
  expect(stdout).toBe(complaint);
});

test('under an older Node the command ends with one line', async () => {
  await expect(under20('cli/main.ts', '--help')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: `Error: ${complaint}`,
  });
});
