import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openForWriting } from './schema.ts';
import { Trimmer } from './trim.ts';

const LIMITS = { maxBytes: 10 * 1024 * 1024, maxAgeMs: 1 };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-trim-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [
    'record',
    'INSERT INTO record VALUES(1, 1, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, NULL)',
  ],
  ['event', "INSERT INTO event VALUES(1, 0, 'read', '', NULL)"],
])('after a failure in the table %s the store can be written and trimmed', (table, insert) => {
  const db = openForWriting(join(folder, 'dev.sqlite'), LIMITS.maxBytes);
  const trimmer = new Trimmer(db, LIMITS);
  db.exec(insert);
  db.exec(
    `CREATE TRIGGER full BEFORE DELETE ON ${table} BEGIN SELECT RAISE(FAIL, 'disk is full'); END`,
  );
  expect(() => trimmer.trim(Date.now())).toThrow('disk is full');
  db.exec('BEGIN IMMEDIATE; DROP TRIGGER full; COMMIT');
  expect(trimmer.trim(Date.now())).toBe(true);
  expect(db.prepare(`SELECT count(*) AS left FROM ${table}`).get()).toEqual({ left: 0 });
  db.close();
});

test('an expired record goes, though older ones before it changed lately', () => {
  const db = openForWriting(join(folder, 'dev.sqlite'), LIMITS.maxBytes);
  const now = Date.now();
  const insert = db.prepare(
    'INSERT INTO record VALUES(?, 1, 0, ?, 0, 0, ?, 0, 0, NULL, NULL, NULL, NULL, 0, NULL)',
  );
  // More than one round of trimming looks at.
  for (let id = 1; id <= 1_200; id += 1) insert.run(id, id, id % 600 === 0 ? 0 : now);
  const trimmer = new Trimmer(db, { ...LIMITS, maxAgeMs: 60_000 });
  for (let round = 0; round < 6; round += 1) trimmer.trim(now);
  expect(db.prepare('SELECT count(*) AS left FROM record').get()).toEqual({ left: 1_198 });
  db.close();
});

const posix = process.platform === 'win32' ? test.skip : test;

posix('no other user of the machine reads the store', () => {
  const file = join(folder, '.kafka-event-source', 'dev.sqlite');
  const db = openForWriting(file, LIMITS.maxBytes);
  for (const one of [file, `${file}-wal`, `${file}-shm`]) {
    expect((statSync(one).mode & 0o077).toString(8)).toBe('0');
  }
  db.close();
});
