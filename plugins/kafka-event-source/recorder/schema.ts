/** The tables of the store, and how it is opened. */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { loadSqlite } from '../sqlite.ts';
import type { Ranges } from './ops.ts';
import { RECORD_STATES, type RecordState, STORE_FOLDER } from './types.ts';

/** Rises with each change of the tables. */
const VERSION = 5;

export const STATE = Object.fromEntries(
  RECORD_STATES.map((state, index) => [state, index]),
) as Record<RecordState, number>;

/** Bits of `record.flags`: where private values were replaced. */
export const REDACTED = { key: 1, value: 2, headers: 4 } as const;

/** Marks the file of an export: "KESX". */
const EXPORT_ID = 0x4b45_5358;

/** The offsets of a row of `span`. */
export function rangesOfSpan({ first, last, ranges }: Record<string, unknown>): Ranges {
  return ranges === null ? [[Number(first), Number(last)]] : JSON.parse(String(ranges));
}

/** The kinds of `span.kind`. */
export const OWNER = { invocation: 0, event: 1 } as const;

// Times of `trace_span` are microseconds, but `at`, when it was received, is in milliseconds.
// The time of a record is a REAL: it may be any number of 64 bits, and node:sqlite reads no integer above 2^53.
// The index of states leaves out done records: nearly all are done, and each would cost an entry.
const TABLES = `
CREATE TABLE mapping(id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT, function_key TEXT,
  source TEXT, filters TEXT, only_counted INTEGER NOT NULL DEFAULT 0, removed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE stream(id INTEGER PRIMARY KEY, mapping INTEGER NOT NULL, topic TEXT NOT NULL,
  topic_id TEXT NOT NULL, UNIQUE(mapping, topic, topic_id)) STRICT;
CREATE TABLE record(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, partition INTEGER NOT NULL,
  offset INTEGER NOT NULL, timestamp REAL NOT NULL, seen INTEGER NOT NULL, changed INTEGER NOT NULL,
  state INTEGER NOT NULL, attempts INTEGER NOT NULL, key BLOB, value BLOB, headers TEXT, extra TEXT,
  flags INTEGER NOT NULL, event INTEGER, trace TEXT) STRICT;
CREATE UNIQUE INDEX record_place ON record(stream, partition, offset);
CREATE INDEX record_state ON record(state, id) WHERE state <> ${STATE.done};
CREATE INDEX record_done ON record(id) WHERE state = ${STATE.done};
CREATE INDEX record_trace ON record(trace) WHERE trace IS NOT NULL;
CREATE TABLE invocation(id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, request TEXT,
  mapping INTEGER NOT NULL, started INTEGER NOT NULL, duration REAL, records INTEGER NOT NULL,
  attempt INTEGER NOT NULL, state TEXT NOT NULL, error TEXT, answer TEXT, cold INTEGER, has_logs INTEGER NOT NULL,
  is_again INTEGER NOT NULL, original TEXT, payload TEXT, is_redacted INTEGER NOT NULL, run INTEGER NOT NULL) STRICT;
CREATE INDEX invocation_request ON invocation(request) WHERE request IS NOT NULL;
CREATE INDEX invocation_original ON invocation(original) WHERE original IS NOT NULL;
CREATE INDEX invocation_running ON invocation(run) WHERE state = 'running';
CREATE TABLE event(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
  detail TEXT) STRICT;
CREATE TABLE span(owner INTEGER NOT NULL, kind INTEGER NOT NULL, stream INTEGER NOT NULL,
  partition INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, ranges TEXT) STRICT;
CREATE INDEX span_owner ON span(kind, owner);
CREATE INDEX span_place ON span(stream, partition, last, first);
CREATE TABLE committed(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, partition INTEGER NOT NULL,
  next INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX committed_place ON committed(stream, partition, next);
CREATE TABLE log(id INTEGER PRIMARY KEY, invocation INTEGER NOT NULL, lines TEXT NOT NULL) STRICT;
CREATE INDEX log_invocation ON log(invocation);
CREATE TABLE trace_span(id INTEGER PRIMARY KEY, trace TEXT NOT NULL, span TEXT NOT NULL, parent TEXT,
  started INTEGER NOT NULL, duration INTEGER NOT NULL, is_error INTEGER NOT NULL, at INTEGER NOT NULL,
  size INTEGER NOT NULL, request TEXT, service TEXT NOT NULL, name TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX trace_span_place ON trace_span(trace, span);
CREATE INDEX trace_span_parent ON trace_span(trace, parent);
CREATE INDEX trace_span_request ON trace_span(request) WHERE request IS NOT NULL;
CREATE INDEX trace_span_size ON trace_span(size);
CREATE TABLE trace_link(trace TEXT NOT NULL, target TEXT NOT NULL, span INTEGER NOT NULL,
  PRIMARY KEY(trace, target, span)) STRICT, WITHOUT ROWID;
CREATE INDEX trace_link_span ON trace_link(span);
CREATE TABLE run(id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, start TEXT NOT NULL) STRICT;
CREATE TABLE widest(stream INTEGER NOT NULL, partition INTEGER NOT NULL, width INTEGER NOT NULL,
  PRIMARY KEY(stream, partition)) STRICT, WITHOUT ROWID;
PRAGMA user_version = ${VERSION};
`;

/** The file of a service's store. */
export function storeFile(folder: string, stage: string): string {
  return join(folder, STORE_FOLDER, `${encodeURIComponent(stage)}.sqlite`);
}

/** The table that only an export has: the facts about it, as JSON. */
const ABOUT = 'CREATE TABLE about(facts TEXT NOT NULL) STRICT';

/** Another version of the emulator has written the store. */
class StoreVersionError extends Error {}

/**
 * Opens the store for writing, and makes it if there is none.
 *
 * @param onDeleted called when a store of an older version was deleted
 * @throws StoreVersionError
 */
export function openForWriting(
  file: string,
  maxBytes: number,
  onDeleted: () => void = () => undefined,
): DatabaseSync {
  makeFolder(dirname(file));
  const found = open(file, maxBytes);
  if (found) return found;
  // A store of an older version is deleted and not converted: it has only the records of some days.
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  onDeleted();
  const made = open(file, maxBytes);
  if (!made) throw new Error(`${file} cannot be made anew`);
  return made;
}

/** Opens or makes the store; undefined if it is of an older version. @throws StoreVersionError */
function open(file: string, maxBytes: number): DatabaseSync | undefined {
  // Only its owner reads it. SQLite gives its other files the same rights.
  closeSync(openSync(file, 'a', 0o600));
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout = 5000; PRAGMA auto_vacuum = INCREMENTAL;');
    // A killed process loses nothing that was committed; a power cut may lose the last commits.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    db.exec(`PRAGMA journal_size_limit = ${Math.round(maxBytes / 20)};`);
    db.exec(`PRAGMA wal_autocheckpoint = ${Math.max(50, Math.round(maxBytes / 20 / 4096 / 4))};`);
    db.exec('BEGIN IMMEDIATE');
    const found = versionOf(db);
    if (found > VERSION) {
      db.exec('ROLLBACK');
      throw new StoreVersionError(
        `${file} was written by a newer version of the emulator (store ${found}, this one knows ${VERSION}): ` +
          'nothing is recorded. Update this one, or delete the file.',
      );
    }
    if (found === 0) db.exec(TABLES);
    db.exec('COMMIT');
    if (found === 0 || found === VERSION) return db;
    db.close();
    return undefined;
  } catch (error) {
    if (db.isOpen) db.close();
    throw error;
  }
}

/** Does the work in one transaction. @throws the error of the work, of which nothing is left */
export function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled it back by itself.
    }
    throw error;
  }
}

/** Makes a folder that git ignores, because it may have the data of customers. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const ignore = join(folder, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
}

export function openForReading(file: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;');
  return db;
}

/**
 * Opens a copy of the store, to be made an export: what is deleted or replaced in it is overwritten.
 *
 * @throws Error for a store of another version, which is not copied
 */
export function openCopy(store: string, copy: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  const original = new DatabaseSync(store, { readOnly: true });
  try {
    original.exec('PRAGMA busy_timeout = 5000;');
    const fault = faultOfVersion(original);
    if (fault !== undefined) throw new Error(`${store} cannot be exported: ${fault}.`);
    rmSync(copy, { force: true });
    closeSync(openSync(copy, 'wx', 0o600));
    original.prepare('VACUUM INTO ?').run(copy);
  } finally {
    original.close();
  }
  const db = new DatabaseSync(copy);
  db.exec('PRAGMA secure_delete = ON; PRAGMA auto_vacuum = NONE;');
  db.exec(`PRAGMA application_id = ${EXPORT_ID}; ${ABOUT};`);
  return db;
}

/**
 * The reason why a file cannot be read as an export; undefined if it can. Only the tables of the store
 * pass: a view or a trigger of a file from elsewhere would run when the file is read.
 */
export function faultOfExport(file: string): string | undefined {
  const { DatabaseSync } = loadSqlite();
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file, { readOnly: true });
  } catch {
    return 'this user has no right to read it';
  }
  const own = new DatabaseSync(':memory:');
  try {
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;');
    if (numberOf(db, 'application_id') !== EXPORT_ID) return 'it is no export of the recorder';
    const fault = faultOfVersion(db);
    if (fault !== undefined) return fault;
    own.exec(`${TABLES} ${ABOUT};`);
    if (tablesOf(db) !== tablesOf(own)) return 'it has other tables than an export has';
    const whole = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
    return whole === 'ok' ? undefined : `it is damaged: ${whole}`;
  } catch (error) {
    return `it cannot be read: ${(error as Error).message}`;
  } finally {
    db.close();
    own.close();
  }
}

/** The reason why this version of the emulator cannot read the tables; undefined if it can. */
export function faultOfVersion(db: DatabaseSync): string | undefined {
  const found = versionOf(db);
  if (found === VERSION) return undefined;
  return `it is of another version of the emulator (store ${found}, this one knows ${VERSION})`;
}

function tablesOf(db: DatabaseSync): string {
  const sql = 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name';
  return JSON.stringify(db.prepare(sql).all());
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

function versionOf(db: DatabaseSync): number {
  return numberOf(db, 'user_version');
}
