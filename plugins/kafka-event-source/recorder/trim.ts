/** Keeps the store within its limits of size and age, a little at a time. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoreOptions } from './ops.ts';
import { inTransaction, OWNER, STATE } from './schema.ts';

/** Records removed in one transaction, which lasts a few milliseconds. */
const AT_ONCE = 500;
/** The newest done records, and the newest invocations, are kept as long as others can go. */
const NEWEST = 10_000;
/** The share of the limit that the tables may have; the rest is for the log of changes beside them. */
const SHARE = 0.85;
const PAGES_AT_ONCE = 200;
/** The share of the limit that the spans of traces may have. */
const SHARE_OF_SPANS = 0.2;

/** Events with the patterns of a mapping. There are few, and many records share one. */
const PATTERNS = "(kind = 'filteredOut' AND detail IS NOT NULL)";

/** The events that may go before the records that refer to them. */
const EVENTS = `event WHERE NOT ${PATTERNS}`;

export class Trimmer {
  readonly #db: DatabaseSync;
  readonly #limits: Pick<StoreOptions, 'maxBytes' | 'maxAgeMs'>;
  /** The record up to which the last round looked for expired ones; 0 before the first record. */
  #looked = 0;

  constructor(db: DatabaseSync, limits: Pick<StoreOptions, 'maxBytes' | 'maxAgeMs'>) {
    this.#db = db;
    this.#limits = limits;
  }

  /** Whether the tables take more than their share of the limit. */
  get isOverSize(): boolean {
    const of = (name: string) => Number(this.#db.prepare(`PRAGMA ${name}`).get()?.[name]);
    const pages = of('page_count') - of('freelist_count');
    return pages * of('page_size') > this.#limits.maxBytes * SHARE;
  }

  /** Removes some of the oldest records if there are too many. @returns whether more is to be removed */
  trim(now: number): boolean {
    const isMore = this.#removeSome(now - this.#limits.maxAgeMs);
    // Pages that became free are given back to the disk.
    this.#db.exec(`PRAGMA incremental_vacuum(${PAGES_AT_ONCE})`);
    return isMore;
  }

  #removeSome(oldest: number): boolean {
    const db = this.#db;
    const isOver = this.isOverSize;
    const commits = isOver
      ? removeCommits(db, 'id <= ?', newestBut(db, 'committed'))
      : removeCommits(db, 'at < ?', oldest);
    if (commits > 0) return true;
    if (this.#removeSpans(oldest)) return true;
    const ids = isOver ? surplus(db) : this.#expired(oldest);
    if (ids.length > 0) {
      inTransaction(db, () => remove(db, ids));
      return true;
    }
    return isOver ? removeRest(db, oldestRest(db)) : removeRest(db, expiredRest(db, oldest));
  }

  /** Removes some of the oldest spans of traces if they are too old, or too many. */
  #removeSpans(oldest: number): boolean {
    const db = this.#db;
    const taken = db.prepare('SELECT coalesce(sum(size), 0) AS bytes FROM trace_span').get();
    const isOver = Number(taken?.bytes) > this.#limits.maxBytes * SHARE_OF_SPANS;
    const ids = db
      .prepare('SELECT id, at FROM trace_span ORDER BY id LIMIT ?')
      .all(AT_ONCE)
      .filter(({ at }) => isOver || Number(at) < oldest)
      .map(({ id }) => id);
    if (ids.length === 0) return false;
    inTransaction(db, () => {
      const list = JSON.stringify(ids);
      for (const [table, column] of [
        ['trace_link', 'span'],
        ['trace_span', 'id'],
      ]) {
        db.prepare(`DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`).run(
          list,
        );
      }
    });
    return true;
  }

  /** Each round looks at the next records: an old one that changed lately hides none of those after it. */
  #expired(oldest: number): number[] {
    const rows = this.#db
      .prepare('SELECT id, changed FROM record WHERE id > ? ORDER BY id LIMIT ?')
      .all(this.#looked, AT_ONCE);
    this.#looked = rows.length < AT_ONCE ? 0 : Number(rows.at(-1)?.id);
    return rows.filter(({ changed }) => Number(changed) < oldest).map(({ id }) => Number(id));
  }
}

/**
 * The oldest done records; if there are only the newest ones, the oldest of all. None if the space is
 * taken by invocations, as of a record that is tried again for days.
 */
function surplus(db: DatabaseSync): number[] {
  const done = db
    .prepare(`SELECT id FROM record WHERE state = ${STATE.done} AND id <= ? ORDER BY id LIMIT ?`)
    .all(newestBut(db, 'record', `WHERE state = ${STATE.done}`), AT_ONCE);
  if (done.length > 0) return done.map(({ id }) => Number(id));
  if (newestBut(db, 'invocation') > 0) return [];
  const any = db.prepare('SELECT id FROM record ORDER BY id LIMIT ?').all(AT_ONCE);
  return any.map(({ id }) => Number(id));
}

/** Commits of records that are only counted are left over. @returns the number of those removed */
function removeCommits(db: DatabaseSync, test: string, value: number): number {
  const sql = `DELETE FROM committed WHERE id IN (SELECT id FROM committed ORDER BY id LIMIT ?) AND ${test}`;
  return Number(db.prepare(sql).run(AT_ONCE, value).changes);
}

/** The id of the row that has 10 000 newer ones; 0 if there is none. */
function newestBut(db: DatabaseSync, table: string, where = ''): number {
  const sql = `SELECT id FROM ${table} ${where} ORDER BY id DESC LIMIT 1 OFFSET ?`;
  return Number(db.prepare(sql).get(NEWEST)?.id ?? 0);
}

function remove(db: DatabaseSync, ids: readonly number[]): void {
  const list = JSON.stringify(ids);
  const places = db
    .prepare(
      `SELECT stream, partition, min(offset) AS first, max(offset) AS last, count(*) AS number
       FROM record WHERE id IN (SELECT value FROM json_each(?)) GROUP BY stream, partition`,
    )
    .all(list);
  // The reason of one record, which no span leads to.
  db.prepare(
    `DELETE FROM event WHERE kind = 'filteredOut' AND NOT ${PATTERNS} AND id IN
       (SELECT event FROM record WHERE id IN (SELECT value FROM json_each(?)))`,
  ).run(list);
  db.prepare('DELETE FROM record WHERE id IN (SELECT value FROM json_each(?))').run(list);
  const owners = new Set<string>();
  for (const { stream, partition, first, last, number } of places) {
    db.prepare(
      'UPDATE mapping SET removed = removed + ? WHERE id = (SELECT mapping FROM stream WHERE id = ?)',
    ).run(number as number, stream as number);
    const spans = db
      .prepare(
        `DELETE FROM span WHERE stream = ? AND partition = ? AND last BETWEEN ? AND ?
           AND NOT EXISTS (SELECT 1 FROM record r WHERE r.stream = span.stream
             AND r.partition = span.partition AND r.offset BETWEEN span.first AND span.last)
         RETURNING kind, owner`,
      )
      .all(stream as number, partition as number, first as number, last as number);
    for (const { kind, owner } of spans) owners.add(`${kind} ${owner}`);
    // The commit after the last removed record may be that of a kept one.
    db.prepare('DELETE FROM committed WHERE stream = ? AND partition = ? AND next <= ?').run(
      stream as number,
      partition as number,
      first as number,
    );
  }
  for (const one of owners) {
    const [kind = 0, owner = 0] = one.split(' ').map(Number);
    const isLeft = db.prepare('SELECT 1 FROM span WHERE kind = ? AND owner = ?').get(kind, owner);
    if (!isLeft) removeOwner(db, kind, owner);
  }
}

function removeOwner(db: DatabaseSync, kind: number, owner: number): void {
  if (kind === OWNER.event) db.prepare('DELETE FROM event WHERE id = ?').run(owner);
  else {
    db.prepare('DELETE FROM log WHERE invocation = ?').run(owner);
    db.prepare('DELETE FROM invocation WHERE id = ?').run(owner);
  }
}

interface Rest {
  readonly invocations: readonly number[];
  readonly events: readonly number[];
}

/** Invocations and events whose records are gone already, such as runs by hand. */
function expiredRest(db: DatabaseSync, oldest: number): Rest {
  const of = (table: string, time: string) =>
    db
      .prepare(`SELECT id, ${time} AS time FROM ${table} ORDER BY id LIMIT ?`)
      .all(AT_ONCE)
      .filter(({ time: at }) => Number(at) < oldest)
      .map(({ id }) => Number(id));
  return { invocations: of('invocation', 'started'), events: of(EVENTS, 'at') };
}

function oldestRest(db: DatabaseSync): Rest {
  const of = (table: string) => {
    const rows = db.prepare(`SELECT id FROM ${table} ORDER BY id LIMIT ?`).all(AT_ONCE);
    return rows.map(({ id }) => Number(id));
  };
  return { invocations: of('invocation'), events: of(EVENTS) };
}

function removeRest(db: DatabaseSync, { invocations, events }: Rest): boolean {
  if (invocations.length + events.length === 0) return false;
  inTransaction(db, () => {
    for (const [kind, ids] of [
      [OWNER.invocation, invocations],
      [OWNER.event, events],
    ] as const) {
      for (const id of ids) {
        db.prepare('DELETE FROM span WHERE kind = ? AND owner = ?').run(kind, id);
        removeOwner(db, kind, id);
      }
    }
  });
  return true;
}
