import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { toEventRecord } from '../event.ts';
import type { Op } from './ops.ts';
import { Reader } from './reader.ts';
import { inTransaction, openForReading, openForWriting } from './schema.ts';
import { Trimmer } from './trim.ts';
import { Writer } from './writer.ts';

const LIMITS = { maxBytes: 10 * 1024 * 1024, maxAgeMs: 1 };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-trim-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [
    'record',
    'INSERT INTO record VALUES(1, 1, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL)',
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
    'INSERT INTO record VALUES(?, 1, 0, ?, 0, 0, ?, 0, 0, NULL, NULL, NULL, NULL, 0, NULL, NULL)',
  );
  // More than one round of trimming looks at.
  inTransaction(db, () => {
    for (let id = 1; id <= 1_200; id += 1) insert.run(id, id, id % 600 === 0 ? 0 : now);
  });
  const trimmer = new Trimmer(db, { ...LIMITS, maxAgeMs: 60_000 });
  for (let round = 0; round < 6; round += 1) trimmer.trim(now);
  expect(db.prepare('SELECT count(*) AS left FROM record').get()).toEqual({ left: 1_198 });
  db.close();
});

const DAY_MS = 86_400_000;
const WHERE = { mapping: 'one', topicId: 'first' } as const;
const FILTERS = ['{"key":["x"]}'];
const SOURCE = { eventSource: 'SelfManagedKafka', bootstrapServers: 'broker:9092' } as const;

function filteredOut(offset: number, more: Partial<Op & { op: 'records' }> = {}): Op {
  const message = { key: Buffer.from('y'), value: null, timestamp: '0', offset: String(offset) };
  const json = JSON.stringify([toEventRecord('orders', 0, message)]);
  const facts = { at: Date.now(), state: 'filteredOut', json, count: 1 } as const;
  return { op: 'records', ...WHERE, ...facts, ...more };
}

function writerOf(maxAgeMs: number): { readonly writer: Writer; readonly file: string } {
  const file = join(folder, 'dev.sqlite');
  const writer = new Writer({ file, maxBytes: LIMITS.maxBytes, maxAgeMs, private: [] });
  const facts = { uuid: 'one', name: 'one', functionKey: 'one', topic: 'orders' };
  writer.write([{ op: 'mapping', ...facts, source: SOURCE, filters: FILTERS }], false);
  return { writer, file };
}

test('records with the same patterns keep their reason when the first of them is removed', () => {
  const { writer, file } = writerOf(DAY_MS);
  const later = Date.now() + 2 * DAY_MS;
  writer.write([filteredOut(0), filteredOut(1, { at: later })], false);
  while (writer.trim(later));
  writer.write([filteredOut(2, { at: later })], false);
  const db = openForReading(file);
  const reasons = () =>
    new Reader(db).records().items.map(({ offset, reason }) => [offset, reason]);
  const reason = 'The pattern {"key":["x"]} does not match: key is "y".';
  expect(reasons()).toEqual([
    ['2', reason],
    ['1', reason],
  ]);
  writer.close();
  const again = writerOf(DAY_MS).writer;
  again.write([filteredOut(3, { at: later })], false);
  again.close();
  expect(reasons()[0]).toEqual(['3', reason]);
  expect(db.prepare('SELECT count(*) AS number FROM event').get()).toEqual({ number: 1 });
  db.close();
});

test('the reason of a filtered record goes with it', () => {
  const { writer, file } = writerOf(DAY_MS);
  const now = Date.now();
  writer.write([filteredOut(0, { at: now - 2 * DAY_MS, compared: [['eQ==', null]] })], false);
  const db = openForWriting(file, LIMITS.maxBytes);
  db.exec(`UPDATE event SET at = ${now}`);
  expect(db.prepare('SELECT count(*) AS number FROM event').get()).toEqual({ number: 1 });
  while (writer.trim(now));
  expect(db.prepare('SELECT count(*) AS number FROM event').get()).toEqual({ number: 0 });
  writer.close();
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
