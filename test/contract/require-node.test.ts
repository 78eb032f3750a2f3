import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const file = join(import.meta.dirname, '../../local/require-node.cjs');

function warningsOf(code: string): string {
  return spawnSync(process.execPath, ['-r', file, '-e', code], { encoding: 'utf8' }).stderr;
}

test("Node's warning of a negative delay is not shown", () => {
  expect(warningsOf('setTimeout(() => undefined, -5)')).toBe('');
});

test('other warnings are shown', () => {
  expect(warningsOf('process.emitWarning("take care", "CareWarning")')).toContain('take care');
});
