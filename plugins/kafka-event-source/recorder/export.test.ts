import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toEventRecord } from '../event.ts';
import type { BufferedRecord } from '../record.ts';
import {
  bufferedRecord,
  payloadOf,
  recorder,
  startHere,
  TOPIC,
  UUID,
} from '../test/support/recorded.ts';
import { exportStore } from './export.ts';
import { Imports, importStore, openExport } from './imports.ts';

const about = { service: 'shop', stage: 'dev', exportedAt: 1_700_000_000_000, mappings: [] };

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-export-'));
  file = join(folder, 'record.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (more: { functionKey?: string; private?: string[] } = {}) =>
  exportStore({ folder, stage: 'dev', file, private: [], about, ...more });

/**
 * Records one invocation of these records, which fails with the text.
 *
 * @param dropped records that reach no function, with themselves in the reason
 * @returns the invocation's event
 */
async function record(
  records: readonly BufferedRecord[],
  text = 'no',
  dropped: readonly BufferedRecord[] = [],
): Promise<string> {
  const { recording, mapping, onStep } = recorder({ folder, start: startHere });
  const batch = [{ partition: 0, records }];
  const payload = payloadOf(records, mapping);
  onStep({ kind: 'read', partition: 0, records });
  onStep({ kind: 'invoked', id: 'one', batch, attempt: 1, payload: Buffer.from(payload) });
  recording.captures('one');
  recording.logged('one', 1, `logged ${text}`);
  const body = JSON.stringify({ errorMessage: text, errorType: 'Error' });
  const result = { kind: 'functionError', message: text, body } as const;
  onStep({ kind: 'answered', id: 'one', result, failed: batch, reason: text });
  onStep({ kind: 'retried', batch, reason: text, delayMs: 10 });
  if (dropped.length > 0) {
    const condition = 'RecordAgeExceeded';
    const own = [{ partition: 0, records: dropped }];
    const { value } = JSON.parse(dropped[0]?.json ?? '{}') as { value: string };
    const reason = `too old: ${Buffer.from(value, 'base64').toString()}`;
    onStep({ kind: 'dropped', batch: own, destination: undefined, condition, reason });
  }
  await recording.close();
  return payload;
}

const bytes = Array.from({ length: 100 }, (_, offset) =>
  bufferedRecord(offset, Buffer.from([offset, 0, 255, 195]), {
    key: Buffer.from(`k${offset}`),
    headers: { h: Buffer.from([offset, 255]) },
  }),
);

test.each([
  [
    'the store itself',
    () => join(folder, '.kafka-event-source/dev.sqlite'),
    /is the recorder's own/,
  ],
  ['the store by a link', () => join(folder, 'link'), /is the recorder's own/],
  ['a folder', () => folder, /is a folder\. Name a file in it/],
  ['a file of no folder', () => join(folder, 'none/a.sqlite'), /there is no folder .*none\./],
])('an export is not written to %s', async (_, target, refusal) => {
  await record([bufferedRecord(0, '{}')]);
  symlinkSync(join(folder, '.kafka-event-source/dev.sqlite'), join(folder, 'link'));
  file = target();
  expect(write).toThrow(refusal);
  file = join(folder, 'record.sqlite');
  expect(write()).toEqual({ records: 1, invocations: 1 });
});

test('an export has each event byte for byte, with records, logs and answers', async () => {
  const payload = await record(bytes);
  expect(write()).toEqual({ records: 100, invocations: 1 });
  using found = openExport(file);
  expect(found.about).toEqual(about);
  expect(found.reader.invocation('one')).toMatchObject({
    payload,
    state: 'failed',
    answer: '{"errorMessage":"no","errorType":"Error"}',
    logs: [{ at: 1, line: 'logged no' }],
  });
  const life = found.reader.record({ mapping: UUID, topic: TOPIC, partition: 0, offset: '7' });
  expect(life?.events.map(({ kind }) => kind)).toContain('retried');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('an export has none of the fields that are private now, though the store has them', async () => {
  const secret = (offset: number) => `jane-${offset}@example.com`;
  const records = [0, 1, 2, 3].map((offset) =>
    bufferedRecord(offset, JSON.stringify({ contact: secret(offset), id: offset }), {
      key: Buffer.from(secret(offset)),
      headers: { authorization: Buffer.from(`token-${offset}`) },
    }),
  );
  await record(records.slice(0, 3), `${secret(1)} was refused with token-1`, records.slice(3));
  const store = join(folder, '.kafka-event-source/dev.sqlite');
  expect(readFileSync(store).includes(secret(1))).toBe(true);
  write({ private: ['$.contact', 'authorization'] });
  const exported = readFileSync(file);
  for (const offset of [0, 1, 2, 3]) {
    for (const text of [secret(offset), `token-${offset}`]) {
      expect(exported.includes(text)).toBe(false);
      expect(exported.includes(Buffer.from(text).toString('base64').slice(0, 12))).toBe(false);
    }
  }
  expect(exported.includes(JSON.stringify([...Buffer.from('token-1')]))).toBe(false);
  using found = openExport(file);
  const invocation = found.reader.invocation('one');
  expect(invocation).toMatchObject({
    redacted: true,
    error: '[private] was refused with [private]',
    logs: [{ line: 'logged [private] was refused with [private]' }],
  });
  expect(readFileSync(store).includes(secret(1))).toBe(true);
});

test('an export has no reason that was found with a decoded value, whose private fields nobody knows', async () => {
  const schemaRegistry = {
    uri: 'http://registry',
    eventRecordFormat: 'SOURCE',
    access: [],
    attributes: ['VALUE'],
  } as const;
  const filters = ['{"value":{"contact":["other"]}}'];
  const { recording, onStep } = recorder({ folder, start: startHere }, { schemaRegistry, filters });
  const message = { key: null, value: Buffer.from([0, 1, 2]), timestamp: '1', offset: '5' };
  const compared = { key: null, value: Buffer.from('{"contact":"jane@example.com"}') };
  const record = toEventRecord(TOPIC, 0, message);
  onStep({ kind: 'filteredOut', partition: 0, records: [{ record, compared }] });
  await recording.close();
  write();
  expect(readFileSync(file).includes('jane@')).toBe(true);
  write({ private: ['$.contact'] });
  expect(readFileSync(file).includes('jane@')).toBe(false);
  using found = openExport(file);
  expect(found.reader.records().items.map(({ reason }) => reason)).toEqual([
    'No filter pattern lets it pass. The values that it was compared with may be private.',
  ]);
});

test('an export of one function has nothing of the others', async () => {
  await record(bytes.slice(0, 3), 'of the one function');
  write({ functionKey: 'other' });
  using found = openExport(file);
  expect([found.reader.records().items, found.reader.invocations().items]).toEqual([[], []]);
  expect(readFileSync(file).includes('of the one function')).toBe(false);
  expect(write({ functionKey: 'test' })).toEqual({ records: 3, invocations: 1 });
});

test('without a store the export says that nothing is recorded', () => {
  expect(() => write()).toThrow(/Nothing is recorded for the stage dev: there is no .*dev\.sqlite/);
});

describe('an import', () => {
  test('is read under its name, and replaced by another of the same name', async () => {
    await record(bytes.slice(0, 3));
    write();
    const [other, imports] = [join(folder, 'other'), new Imports(join(folder, 'other'))];
    expect(await imports.list()).toEqual([]);
    expect(importStore(file, other, 'bug 7')).toEqual(about);
    expect(await imports.list()).toEqual([{ name: 'bug 7', ...about }]);
    const reader = imports.of('bug 7');
    expect((await reader?.records())?.items).toHaveLength(3);
    expect(await reader?.invocation('one')).toMatchObject({ records: 3 });
    expect((await reader?.counts())?.kept.reportedFailed).toBe(0);
    expect(imports.of('../dev')).toBeUndefined();
    for (const name of ['foreign', '%zz']) {
      const path = join(other, `.kafka-event-source/imported/${name}.sqlite`);
      writeFileSync(path, 'no database');
    }
    importStore(file, other, 'bug 7');
    expect((await imports.list()).map(({ name }) => name)).toEqual(['bug 7']);
    expect((await imports.of('bug 7')?.records())?.items).toHaveLength(3);
    await imports.close();
  });

  test('that an older version has kept is named, and each question about it says why there is no answer', async () => {
    await record(bytes.slice(0, 3));
    write();
    importStore(file, folder, 'old');
    const db = new DatabaseSync(join(folder, '.kafka-event-source/imported/old.sqlite'));
    db.exec('DROP TABLE trace_span; PRAGMA user_version = 3');
    db.close();
    const imports = new Imports(folder);
    expect((await imports.list()).map(({ name }) => name)).toEqual(['old']);
    for (const question of ['records', 'traces'] as const) {
      await expect(imports.of('old')?.[question]()).rejects.toThrow(
        /old\.sqlite cannot be used: it is of another version of the emulator \(store 3,/,
      );
    }
    await imports.close();
  });

  test('of a file with a view, or of another program or version, is refused', async () => {
    await record(bytes.slice(0, 3));
    const refused = (change: string) => {
      write();
      const db = new DatabaseSync(file);
      db.exec(change);
      db.close();
      return () => importStore(file, folder, 'x');
    };
    expect(refused('CREATE VIEW v AS SELECT 1')).toThrow('it has other tables than an export has');
    expect(refused('PRAGMA application_id = 1')).toThrow('it is no export of the recorder');
    expect(refused('PRAGMA user_version = 9')).toThrow(
      'of another version of the emulator (store 9',
    );
    expect(refused("UPDATE about SET facts = '{}'")).toThrow('it does not name its service');
    writeFileSync(file, 'no database at all, but a text that is long enough to be one');
    expect(() => importStore(file, folder, 'x')).toThrow('it cannot be read');
    expect(() => importStore(join(folder, 'none'), folder, 'x')).toThrow('There is no file');
  });
});
