/** Writes a service's store into one file for another machine, without private values. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Privacy, type Secrets } from './privacy.ts';
import { eventRecordOf, type Row } from './reader.ts';
import { inTransaction, OWNER, openCopy, storeFile } from './schema.ts';
import { traceparentOf } from './traceparent.ts';
import { columnsOf, hideSpan, spanOf } from './traces.ts';
import type { About, LogLine } from './types.ts';
import { hideIn } from './writer.ts';

interface ExportOptions {
  /** The service's folder. */
  readonly folder: string;
  readonly stage: string;
  /** The file to write; one that is there is replaced. */
  readonly file: string;
  /** JSON paths, patterns of texts, and names of headers, as they are set now. */
  readonly private: readonly string[];
  /** Undefined for all functions. */
  readonly functionKey?: string | undefined;
  readonly about: About;
}

interface Exported {
  readonly records: number;
  readonly invocations: number;
}

const WITHHELD_REASON =
  'No filter pattern lets it pass. The values that it was compared with may be private.';

/** Records that are in memory at a time. */
const AT_ONCE = 1_000;

/** @throws Error without a store, or for one of another version */
export function exportStore({ folder, stage, file, ...options }: ExportOptions): Exported {
  const store = storeFile(folder, stage);
  if (!existsSync(store)) {
    throw new Error(`Nothing is recorded for the stage ${stage}: there is no ${store}.`);
  }
  checkTarget(file, store);
  // Under another name, so that an earlier export stays whole until the new one is complete.
  const copy = `${file}.part`;
  try {
    const db = openCopy(store, copy);
    try {
      inTransaction(db, () => change(db, options));
      db.exec('VACUUM');
      const exported = { records: countOf(db, 'record'), invocations: countOf(db, 'invocation') };
      db.close();
      renameSync(copy, file);
      return exported;
    } finally {
      if (db.isOpen) db.close();
    }
  } finally {
    for (const end of ['', '-journal']) rmSync(`${copy}${end}`, { force: true });
  }
}

/** @throws Error for a file that cannot be written, or that is the store */
function checkTarget(file: string, store: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new Error(`${file} is a folder. Name a file in it.`);
  const { dev, ino } = statSync(store);
  if (found?.dev === dev && found.ino === ino) {
    throw new Error(`${file} is the recorder's own store. Name another file.`);
  }
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new Error(`${file} cannot be written: there is no folder ${folder}.`);
  }
}

function change(
  db: DatabaseSync,
  { functionKey, about, ...options }: Pick<ExportOptions, 'functionKey' | 'about' | 'private'>,
): void {
  // The answers of invocations that still run come after the export.
  db.exec("UPDATE invocation SET state = 'interrupted' WHERE state = 'running'; DELETE FROM run;");
  if (functionKey !== undefined) keepFunction(db, functionKey);
  const privacy = new Privacy(options.private);
  // The settings may have more private fields now than when the records were recorded.
  if (privacy.isNeeded) {
    const mappings = db.prepare('SELECT id FROM mapping').all();
    const secrets = mappings.map(({ id }) => new Redaction(db, privacy, Number(id)).run());
    hideSpans(db, privacy, secrets);
    // These name values of decoded records, which the store does not have, so that none can be found in them.
    db.prepare("UPDATE event SET text = ? WHERE kind = 'filteredOut' AND text <> ''").run(
      WITHHELD_REASON,
    );
  }
  db.prepare('INSERT INTO about(facts) VALUES(?)').run(JSON.stringify(about));
}

function keepFunction(db: DatabaseSync, functionKey: string): void {
  db.prepare('DELETE FROM mapping WHERE function_key IS NOT ?').run(functionKey);
  db.exec('DELETE FROM stream WHERE mapping NOT IN (SELECT id FROM mapping)');
  for (const table of ['record', 'span', 'committed', 'widest']) {
    db.exec(`DELETE FROM ${table} WHERE stream NOT IN (SELECT id FROM stream)`);
  }
  db.exec('DELETE FROM invocation WHERE mapping NOT IN (SELECT id FROM mapping)');
  db.exec('DELETE FROM log WHERE invocation NOT IN (SELECT id FROM invocation)');
  // Kept are the spans of the traces of the remaining records, and those that name a remaining invocation.
  db.exec(
    `DELETE FROM trace_span WHERE trace NOT IN (SELECT trace FROM record WHERE trace IS NOT NULL)
       AND trace NOT IN (SELECT s.trace FROM trace_span s JOIN invocation i ON i.request = s.request)`,
  );
  db.exec('DELETE FROM trace_link WHERE span NOT IN (SELECT id FROM trace_span)');
  db.exec(
    `DELETE FROM event WHERE id NOT IN (SELECT owner FROM span WHERE kind = ${OWNER.event})
       AND id NOT IN (SELECT event FROM record WHERE event IS NOT NULL)`,
  );
}

function countOf(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS number FROM ${table}`).get()?.number);
}

/** Replaces the private values in the spans of traces, which belong to no mapping. */
function hideSpans(db: DatabaseSync, privacy: Privacy, secrets: readonly Secrets[]): void {
  const known = secrets.length > 0 ? secrets : [privacy.createSecrets()];
  const read = db.prepare('SELECT * FROM trace_span WHERE id > ? ORDER BY id LIMIT 1');
  const change = db.prepare(
    'UPDATE trace_span SET request = ?, service = ?, name = ?, facts = ? WHERE id = ?',
  );
  for (let row = read.get(0); row; row = read.get(row.id as number)) {
    const columns = columnsOf(hideSpan(spanOf(row), privacy, known));
    change.run(columns.request, columns.service, columns.name, columns.facts, row.id as number);
  }
}

/** Replaces the private values of one mapping, as the recorder does before it writes. */
class Redaction {
  readonly #db: DatabaseSync;
  readonly #privacy: Privacy;
  readonly #mapping: number;
  readonly #secrets: Secrets;
  #learned = '';

  constructor(db: DatabaseSync, privacy: Privacy, mapping: number) {
    this.#db = db;
    this.#privacy = privacy;
    this.#mapping = mapping;
    this.#secrets = privacy.createSecrets();
  }

  /** @returns the private values that it has found */
  run(): Secrets {
    // Texts before records: the values to hide in them are learned from records that still have theirs.
    this.#invocations();
    this.#events();
    this.#records();
    return this.#secrets;
  }

  #invocations(): void {
    const change = this.#db.prepare(
      'UPDATE invocation SET error = ?, answer = ?, payload = ?, is_redacted = ? WHERE id = ?',
    );
    const rows = this.#db
      .prepare('SELECT id FROM invocation WHERE mapping = ? ORDER BY id')
      .all(this.#mapping);
    const read = this.#db.prepare('SELECT * FROM invocation WHERE id = ?');
    for (const { id } of rows) {
      this.#learn(OWNER.invocation, Number(id));
      const row = read.get(id as number) ?? {};
      const payload = this.#text(row.payload);
      const isRedacted = Number(row.is_redacted) === 1 || payload !== row.payload;
      const error = row.error === null ? null : this.#secrets.hide(String(row.error));
      change.run(error, this.#text(row.answer), payload, Number(isRedacted), id as number);
      this.#logs(Number(id));
    }
  }

  #logs(invocation: number): void {
    const rows = this.#db.prepare('SELECT id, lines FROM log WHERE invocation = ?').all(invocation);
    const change = this.#db.prepare('UPDATE log SET lines = ? WHERE id = ?');
    for (const { id, lines } of rows) {
      const hidden = (JSON.parse(String(lines)) as LogLine[]).map((one) => ({
        ...one,
        line: this.#privacy.text(one.line, this.#secrets),
      }));
      change.run(JSON.stringify(hidden), id as number);
    }
  }

  #events(): void {
    const rows = this.#db
      .prepare(
        `SELECT DISTINCT e.id, e.text FROM event e JOIN span s ON s.kind = ${OWNER.event} AND s.owner = e.id
           JOIN stream t ON t.id = s.stream WHERE t.mapping = ? ORDER BY e.id`,
      )
      .all(this.#mapping);
    const change = this.#db.prepare('UPDATE event SET text = ? WHERE id = ?');
    for (const { id, text } of rows) {
      this.#learn(OWNER.event, Number(id));
      change.run(this.#secrets.hide(String(text)), id as number);
    }
  }

  #records(): void {
    const read = this.#db.prepare(
      `SELECT r.*, s.topic FROM record r JOIN stream s ON s.id = r.stream
         WHERE s.mapping = ? AND r.id > ? ORDER BY r.id LIMIT ${AT_ONCE}`,
    );
    const change = this.#db.prepare(
      'UPDATE record SET key = ?, value = ?, headers = ?, flags = flags | ?, trace = ? WHERE id = ?',
    );
    for (let last = 0; ; ) {
      const rows = read.all(this.#mapping, last);
      if (rows.length === 0) return;
      for (const row of rows) {
        last = Number(row.id);
        const { record, flags } = this.#privacy.record(eventRecordOf(row), this.#secrets);
        const { key, value, headers } = record;
        change.run(
          key === undefined ? null : hideIn(Buffer.from(key, 'base64'), this.#secrets),
          value === undefined ? null : Buffer.from(value, 'base64'),
          headers.length > 0 ? JSON.stringify(headers) : null,
          flags,
          traceparentOf(headers)?.traceId ?? null,
          last,
        );
      }
    }
  }

  /** Learns the private values of the records that an invocation or an event is about. */
  #learn(kind: number, owner: number): void {
    const spans = this.#db
      .prepare('SELECT stream, partition, first, last FROM span WHERE kind = ? AND owner = ?')
      .all(kind, owner);
    // A batch that is tried again for days is learned once.
    const signature = JSON.stringify(spans);
    if (signature === this.#learned) return;
    this.#learned = signature;
    const read = this.#db.prepare(
      `SELECT r.*, s.topic FROM record r JOIN stream s ON s.id = r.stream
         WHERE r.stream = ? AND r.partition = ? AND r.offset BETWEEN ? AND ?`,
    );
    for (const { stream, partition, first, last } of spans as Record<string, number>[]) {
      const rows = read.iterate(stream ?? 0, partition ?? 0, first ?? 0, last ?? 0);
      for (const row of rows) this.#privacy.record(eventRecordOf(row as Row), this.#secrets);
    }
  }

  #text(text: unknown): string | null {
    return text === null ? null : this.#privacy.text(String(text), this.#secrets);
  }
}
