import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { useWriteAheadLog } from './write-ahead.ts';

let folder: string;
let file: string;
const said: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-ahead-'));
  file = join(folder, 'shared-local-instance.db');
  said.length = 0;
  jest.spyOn(console, 'error').mockImplementation((line) => void said.push(line));
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

test('where a file system cannot have a log, the data stay untouched, and a line says so', () => {
  // SQLite cannot make its log where a folder has its name.
  mkdirSync(join(folder, 'write-ahead-probe.db-wal'));
  useWriteAheadLog(folder);
  expect(existsSync(file)).toBe(false);
  expect(said).toEqual([
    expect.stringMatching(/^Writes to DynamoDB wait longer .*-instance\.db: .*disk I\/O error$/),
  ]);
});

test('a file that is no database is left to DynamoDB Local, and a line says so', () => {
  const text = 'no database '.repeat(100);
  writeFileSync(file, text);
  useWriteAheadLog(folder);
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(said).toEqual([expect.stringContaining('file is not a database')]);
});
