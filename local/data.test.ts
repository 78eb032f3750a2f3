import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { prepare } from './data.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'orders-data-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a folder that is missing is made, and nothing is left in it', () => {
  prepare(join(directory, '.local'));
  expect(readdirSync(join(directory, '.local'))).toEqual([]);
});

test('a file in its place is reported with its remedy', () => {
  const file = join(directory, '.local');
  writeFileSync(file, '');
  expect(() => prepare(file)).toThrow(/^Nothing can be written into .*\.local .* a folder/);
});
