/** Answers questions from the store. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { type EventRecord, type EventSource, recordsKey, toPayload } from '../event.ts';
import { explain } from '../filter/explain.ts';
import { plural } from '../plural.ts';
import { reasonWithout } from './privacy.ts';
import { OWNER, REDACTED, rangesOfSpan, STATE } from './schema.ts';
import { TraceReader } from './traces.ts';
import {
  type Bytes,
  type Counts,
  type Invocation,
  type InvocationQuery,
  type InvocationState,
  type InvocationSummary,
  type LifeEvent,
  type LifeEventKind,
  type LogLine,
  NO_LOGS,
  type Page,
  RECORD_STATES,
  type RecordId,
  type RecordLife,
  type RecordQuery,
  type RecordState,
  type RecordSummary,
  type Spans,
  type Trace,
  type TraceQuery,
  type TraceSummary,
} from './types.ts';

const LIMIT = 50;
const MOST = 200;
const PREVIEW = 200;
/** Rows whose headers one search looks at; its page then ends early, with a cursor. */
const SEARCHED = 200_000;

/** A record may be tried again for days: its life shows only the first and the last attempts, and other steps. */
const [FIRST, LAST] = [20, 200];

export type Row = Record<string, unknown>;

/** A record's row, with its stream and mapping. */
const RECORDS = `SELECT r.*, s.topic, s.topic_id, m.uuid, m.function_key, e.text AS reason, e.detail AS cause
  FROM record r JOIN stream s ON s.id = r.stream JOIN mapping m ON m.id = s.mapping
  LEFT JOIN event e ON e.id = r.event`;
/** The same for lists, which go through the records from the newest on: SQLite keeps the order of a cross join. */
const LISTED = RECORDS.replaceAll(/ JOIN (stream|mapping)/g, ' CROSS JOIN $1');
const INVOCATIONS = `SELECT i.*, m.uuid AS mapping_uuid, m.function_key, m.source
  FROM invocation i JOIN mapping m ON m.id = i.mapping`;

/** A query that cannot be answered as it is. */
class QueryError extends Error {}

export class Reader {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #traces: TraceReader;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#traces = new TraceReader(db, this);
  }

  records(query: RecordQuery = {}): Page<RecordSummary> {
    const limit = limitOf(query.limit);
    const where = new Where(query);
    where.add('s.topic = ?', query.topic);
    where.add('r.partition = ?', query.partition);
    where.add('r.offset = ?', query.offset === undefined ? undefined : integer(query.offset));
    if (query.state !== undefined) {
      const state = STATE[query.state];
      if (state === undefined) throw new QueryError(`There is no state ${query.state}.`);
      // As numbers, and with the condition of the index, so that the index of states is used.
      where.add(`r.state = ${state}`);
      if (query.state !== 'done') where.add(`r.state <> ${STATE.done}`);
    }
    where.add('r.key = ?', query.key === undefined ? undefined : Buffer.from(query.key));
    where.add('r.seen >= ?', query.from);
    where.add('r.seen <= ?', query.to);
    where.add(
      'instr(r.value, ?) > 0',
      query.text === undefined ? undefined : Buffer.from(query.text),
    );
    if (query.header !== undefined) where.add('r.headers IS NOT NULL');
    const from = cursorOf(query.cursor);
    const found: Row[] = [];
    let next: number | undefined;
    let looked = 0;
    const rows = this.#statement(`${LISTED} WHERE r.id < ?${where.and} ORDER BY r.id DESC`).iterate(
      from,
      ...where.values,
    );
    for (const row of rows) {
      looked += 1;
      if (query.header !== undefined && !hasHeader(row, query.header)) {
        if (looked < SEARCHED) continue;
        next = Number(row.id);
        break;
      }
      if (found.length === limit) {
        next = Number(found.at(-1)?.id);
        break;
      }
      found.push(row);
    }
    const items = newestFirst(found.map(summaryOf), ({ seenAt }) => seenAt);
    return { items, ...(next !== undefined && { next: String(next) }) };
  }

  record(id: RecordId): RecordLife | undefined {
    const row = this.#statement(
      `${RECORDS} WHERE m.uuid = ? AND s.topic = ? AND (? IS NULL OR s.topic_id = ?)
         AND r.partition = ? AND r.offset = ? ORDER BY s.id DESC LIMIT 1`,
    ).get(
      id.mapping,
      id.topic,
      id.topicId ?? null,
      id.topicId ?? null,
      id.partition,
      integer(id.offset),
    );
    if (!row) return undefined;
    const summary = summaryOf(row);
    const flags = Number(row.flags);
    const events = this.#life(row);
    const why = this.#why(row, summary);
    return {
      ...summary,
      ...(row.key !== null && { key: bytesOf(row.key as Uint8Array, flags & REDACTED.key) }),
      ...(row.value !== null && {
        value: bytesOf(row.value as Uint8Array, flags & REDACTED.value),
      }),
      headers: headersOf(row).flatMap((header) =>
        Object.entries(header).map(([name, value]): [string, Bytes] => [
          name,
          bytesOf(Uint8Array.from(value), flags & REDACTED.headers && isPlaceholder(value) ? 1 : 0),
        ]),
      ),
      events,
      ...(why !== undefined && { why }),
    };
  }

  /** The facts that an export has about itself, unchecked. */
  about(): unknown {
    return JSON.parse(String(this.#statement('SELECT facts FROM about').get()?.facts));
  }

  /** The records with these row ids, in their order. */
  summaries(ids: readonly number[]): RecordSummary[] {
    const statement = this.#statement(`${RECORDS} WHERE r.id = ?`);
    return ids.flatMap((id) => {
      const row = statement.get(id);
      return row ? [summaryOf(row)] : [];
    });
  }

  invocations(query: InvocationQuery = {}): Page<InvocationSummary> {
    const limit = limitOf(query.limit);
    const where = new Where(query);
    where.add('i.state = ?', query.state);
    where.add('i.original = ?', query.originalId);
    where.add('i.started >= ?', query.from);
    where.add('i.started <= ?', query.to);
    const rows = this.#statement(
      `${INVOCATIONS} WHERE i.id < ?${where.and} ORDER BY i.id DESC LIMIT ?`,
    ).all(cursorOf(query.cursor), ...where.values, limit + 1);
    const items = newestFirst(rows.slice(0, limit).map(invocationOf), ({ startedAt }) => startedAt);
    const isMore = rows.length > limit;
    return { items, ...(isMore && { next: String(rows[limit - 1]?.id) }) };
  }

  /** The invocations with these ids, in their order. */
  invocationSummaries(ids: readonly string[]): InvocationSummary[] {
    const statement = this.#statement(`${INVOCATIONS} WHERE i.uuid = ?`);
    return ids.flatMap((id) => {
      const row = statement.get(id);
      return row ? [invocationOf(row)] : [];
    });
  }

  invocation(id: string): Invocation | undefined {
    const row = this.#invocationRow(id);
    if (!row) return undefined;
    const found = this.#recordsOf(row);
    const isWhole = found.length === Number(row.records);
    const payload =
      row.payload !== null
        ? String(row.payload)
        : Number(row.is_again) === 0 && isWhole
          ? payloadOf(JSON.parse(String(row.source)), found)
          : undefined;
    const isRedacted =
      Number(row.is_redacted) === 1 || found.some(({ flags }) => Number(flags) !== 0);
    return {
      ...invocationOf(row),
      ...(payload !== undefined && { payload }),
      ...(isRedacted && { redacted: true }),
      ...(row.answer !== null && { answer: String(row.answer) }),
      logs: Number(row.has_logs) === 1 ? this.#logs(Number(row.id)) : NO_LOGS,
      recordIds: found.map(idOf),
    };
  }

  traces(query: TraceQuery = {}): Page<TraceSummary> {
    return this.#traces.list(query, limitOf(query.limit), cursorOf(query.cursor));
  }

  trace(id: string): Trace | undefined {
    return this.#traces.trace(id.toLowerCase());
  }

  spansOf(id: string): Spans {
    const row = this.#invocationRow(id);
    return row ? this.#traces.ofInvocation(Number(row.id)) : { spans: [] };
  }

  /** The ids of the invocations of the record at this place. */
  invocationsAt({ stream, partition, offset }: Row): string[] {
    const statement = this.#statement('SELECT uuid FROM invocation WHERE id = ?');
    return this.#spansAt(stream, partition, offset)
      .filter(({ kind }) => kind === OWNER.invocation)
      .flatMap(({ owner }) => statement.get(owner)?.uuid ?? [])
      .map(String);
  }

  counts(mapping?: string): Counts {
    const kept = Object.fromEntries(RECORD_STATES.map((state) => [state, 0])) as Record<
      RecordState,
      number
    >;
    const rows = this.#statement(
      `SELECT r.state, count(*) AS number FROM record r JOIN stream s ON s.id = r.stream
         JOIN mapping m ON m.id = s.mapping WHERE ? IS NULL OR m.uuid = ? GROUP BY r.state`,
    ).all(mapping ?? null, mapping ?? null);
    for (const { state, number } of rows) kept[stateOf(state)] = Number(number);
    const totals = this.#statement(
      `SELECT coalesce(sum(only_counted), 0) AS counted, coalesce(sum(removed), 0) AS removed
         FROM mapping WHERE ? IS NULL OR uuid = ?`,
    ).get(mapping ?? null, mapping ?? null);
    return {
      kept,
      onlyCounted: Number(totals?.counted),
      removed: Number(totals?.removed),
    };
  }

  /** By its id, or by the request id that the function saw. */
  #invocationRow(id: string): Row | undefined {
    return (
      this.#statement(`${INVOCATIONS} WHERE i.uuid = ?`).get(id) ??
      this.#statement(`${INVOCATIONS} WHERE i.request = ? ORDER BY i.id DESC LIMIT 1`).get(id)
    );
  }

  #life(row: Row): LifeEvent[] {
    const { stream, partition, offset } = row;
    const events: LifeEvent[] = [
      {
        at: Number(row.seen),
        kind: 'read',
        text: `Read from ${recordsKey(String(row.topic), Number(partition))} at offset ${offset}.`,
      },
    ];
    const { invocations = [], events: others = [] } = Object.groupBy(
      this.#spansAt(stream, partition, offset),
      ({ kind }) => (kind === OWNER.event ? 'events' : 'invocations'),
    );
    events.push(...told(invocations, 'attempts', ({ owner }) => this.#attempt(owner)));
    events.push(...told(others, 'steps', ({ owner }) => this.#event(owner)));
    const { state, reason = '' } = summaryOf(row);
    if (state === 'filteredOut') {
      events.push({ at: Number(row.changed), kind: 'filteredOut', text: reason });
    }
    const commit = this.#statement(
      `SELECT at, next FROM committed WHERE stream = ? AND partition = ? AND next > ?
         ORDER BY next LIMIT 1`,
    ).get(stream as number, partition as number, offset as number);
    if (commit && !['waiting', 'inFlight', 'retrying'].includes(stateOf(row.state))) {
      events.push({
        at: Math.max(Number(commit.at), Number(row.seen)),
        kind: 'committed',
        text: `The group committed offset ${commit.next}.`,
        detail: { next: Number(commit.next) },
      });
    }
    return events.sort((a, b) => a.at - b.at);
  }

  /** The invocations and events that the record belongs to. */
  #spansAt(
    stream: unknown,
    partition: unknown,
    offset: unknown,
  ): { readonly kind: number; readonly owner: number }[] {
    const [place, at] = [[stream as number, partition as number], offset as number];
    // Node 22.15 takes ?1 for a parameter with a name.
    const found = this.#statement(
      `SELECT kind, owner, ranges FROM span WHERE stream = ? AND partition = ? AND last >= ? AND first <= ?
         AND last <= ? + coalesce((SELECT width FROM widest WHERE stream = ? AND partition = ?), 0)
         ORDER BY kind, owner`,
    ).all(...place, at, at, at, ...place);
    const isIn = (ranges: unknown) =>
      ranges === null ||
      (JSON.parse(String(ranges)) as [number, number][]).some(
        ([first, last]) => first <= Number(offset) && Number(offset) <= last,
      );
    return found
      .filter(({ ranges }) => isIn(ranges))
      .map(({ kind, owner }) => ({ kind: Number(kind), owner: Number(owner) }));
  }

  #event(id: number): LifeEvent[] {
    const row = this.#statement('SELECT * FROM event WHERE id = ?').get(id);
    if (!row) return [];
    return [
      {
        at: Number(row.at),
        kind: row.kind as LifeEventKind,
        text: String(row.text),
        ...(row.detail !== null && { detail: JSON.parse(String(row.detail)) }),
      },
    ];
  }

  /** An invocation as events of one of its records. */
  #attempt(id: number): LifeEvent[] {
    const row = this.#statement(`${INVOCATIONS} WHERE i.id = ?`).get(id);
    if (!row) return [];
    const one = invocationOf(row);
    const { startedAt, records, attempt } = one;
    const detail = { records, attempt };
    const invocation = one.id;
    if (Number(row.is_again) === 1) {
      const original = one.originalId ? `, like invocation ${one.originalId}` : '';
      const text = `${one.functionKey} was invoked with it by hand${original}.`;
      return [{ at: startedAt, kind: 'ranAgain', invocation, text, detail }];
    }
    const others = records > 1 ? ` with ${plural(records - 1, 'other record')}` : '';
    const events: LifeEvent[] = [
      { at: startedAt, kind: 'batched', invocation, text: `Put into a batch${others}.`, detail },
      {
        at: startedAt,
        kind: 'invoked',
        invocation,
        text: `${one.functionKey} was invoked, attempt ${attempt}.`,
        detail,
      },
    ];
    if (one.durationMs === undefined) return events;
    const isGood = one.state === 'succeeded' || one.state === 'partial';
    const took = `after ${Math.round(one.durationMs)} ms`;
    const text =
      one.state === 'succeeded'
        ? `${one.functionKey} answered ${took}.`
        : one.state === 'partial'
          ? `${one.functionKey} answered ${took}, and reported some of the records.`
          : `The invocation failed ${took}: ${one.error ?? 'no reason is known'}`;
    const kind = isGood ? 'answered' : 'failed';
    events.push({ at: startedAt + one.durationMs, kind, invocation, text });
    return events;
  }

  /** Why no function got the record, or why it waits. */
  #why(row: Row, { state, reason }: RecordSummary): string | undefined {
    if (state === 'done' || state === 'inFlight') return undefined;
    if (state !== 'waiting') return reason;
    const before = this.#statement(
      `${RECORDS} WHERE r.stream = ? AND r.partition = ? AND r.offset < ? AND r.state IN
         (${STATE.inFlight}, ${STATE.retrying}, ${STATE.reportedFailed}) ORDER BY r.offset LIMIT 1`,
    ).get(row.stream as number, row.partition as number, row.offset as number);
    if (!before)
      return reason ?? 'It waits for its batch to be full, or for the end of the window.';
    const one = summaryOf(before);
    const place = `offset ${one.offset} of its partition`;
    return one.state === 'inFlight'
      ? `It waits for the invocation with ${place} to end: a partition has one invocation at a time.`
      : `It waits behind ${place}, which is tried again: ${one.reason ?? 'its invocation failed'}`;
  }

  #recordsOf(invocation: Row): Row[] {
    const spans = this.#statement(
      'SELECT * FROM span WHERE kind = ? AND owner = ? ORDER BY rowid',
    ).all(OWNER.invocation, Number(invocation.id));
    const statement = this.#statement(
      `${RECORDS} WHERE r.stream = ? AND r.partition = ? AND r.offset BETWEEN ? AND ?
         AND r.state <> ${STATE.filteredOut} ORDER BY r.offset`,
    );
    return spans.flatMap((span) =>
      rangesOfSpan(span).flatMap(([from, to]) =>
        statement.all(span.stream as number, span.partition as number, from, to),
      ),
    );
  }

  #logs(invocation: number): LogLine[] {
    const rows = this.#statement('SELECT lines FROM log WHERE invocation = ? ORDER BY id').all(
      invocation,
    );
    return rows.flatMap(({ lines }) => JSON.parse(String(lines)) as LogLine[]);
  }

  #statement(sql: string): StatementSync {
    const found = this.#statements.get(sql);
    if (found) return found;
    const made = this.#db.prepare(sql);
    // Queries may have many forms.
    if (this.#statements.size > 100) this.#statements.clear();
    this.#statements.set(sql, made);
    return made;
  }
}

/** The events of the owners. Of very many it has the first and the last ones, and says how many are left out. */
function told<T>(
  owners: readonly T[],
  noun: string,
  eventsOf: (one: T) => readonly LifeEvent[],
): LifeEvent[] {
  const left = owners.length - FIRST - LAST;
  if (left <= 0) return owners.flatMap(eventsOf);
  const first = owners.slice(0, FIRST).flatMap(eventsOf);
  const at = first.at(-1)?.at ?? 0;
  const word = { at, kind: 'retried', text: `${left} ${noun} after this are not shown.` } as const;
  return [...first, word, ...owners.slice(-LAST).flatMap(eventsOf)];
}

class Where {
  readonly #tests: string[] = [];
  readonly values: SQLInputValue[] = [];

  /** Begins with the conditions that queries of records and of invocations share. */
  constructor({ mapping, functionKey }: Pick<RecordQuery, 'mapping' | 'functionKey'>) {
    this.add('m.uuid = ?', mapping);
    this.add('m.function_key = ?', functionKey);
  }

  /** A condition whose value is undefined is left out; one without a parameter is always added. */
  add(test: string, ...value: readonly [] | readonly [SQLInputValue | undefined]): void {
    if (value.length === 0) this.#tests.push(test);
    else if (value[0] !== undefined) {
      this.#tests.push(test);
      this.values.push(value[0]);
    }
  }

  get and(): string {
    return this.#tests.map((test) => ` AND ${test}`).join('');
  }
}

function limitOf(limit = LIMIT): number {
  if (!Number.isInteger(limit) || limit < 1) throw new QueryError('limit must be 1 or more.');
  return Math.min(limit, MOST);
}

/** A page in the order of time. The ids are in the order of writing, and what ends first is written first. */
function newestFirst<T>(page: readonly T[], timeOf: (one: T) => number): T[] {
  return page.toSorted((one, other) => timeOf(other) - timeOf(one));
}

function cursorOf(cursor: string | undefined): number {
  return cursor === undefined ? Number.MAX_SAFE_INTEGER : integer(cursor);
}

function integer(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new QueryError(`${text} is no number of a record.`);
  return number;
}

function stateOf(value: unknown): RecordState {
  return RECORD_STATES[Number(value)] ?? 'waiting';
}

function idOf(row: Row): RecordId {
  return {
    mapping: String(row.uuid),
    topic: String(row.topic),
    ...(row.topic_id !== '' && { topicId: String(row.topic_id) }),
    partition: Number(row.partition),
    offset: String(row.offset),
  };
}

function summaryOf(row: Row): RecordSummary {
  const [key, value] = [previewOf(row.key), previewOf(row.value)];
  const reason = reasonOf(row);
  return {
    ...idOf(row),
    functionKey: String(row.function_key),
    timestamp: Number(row.timestamp),
    seenAt: Number(row.seen),
    ...(key !== undefined && { keyPreview: key }),
    ...(value !== undefined && { valuePreview: value }),
    state: stateOf(row.state),
    attempts: Number(row.attempts),
    ...(reason !== undefined && { reason }),
    ...(row.trace !== null && { traceId: String(row.trace) }),
  };
}

function reasonOf(row: Row): string | undefined {
  if (stateOf(row.state) !== 'filteredOut')
    return row.reason === null ? undefined : String(row.reason);
  if (row.cause === null) return String(row.reason ?? 'No filter pattern lets it pass.');
  const { filters } = JSON.parse(String(row.cause)) as { filters: readonly string[] };
  const bytes = (value: unknown) => (value === null ? null : Buffer.from(value as Uint8Array));
  const { timestampType, topic, partition, offset, timestamp, headers } = eventRecordOf(row);
  const place = { topic, partition, offset, timestamp, timestampType, headers };
  const reason = explain(filters, { ...place, key: bytes(row.key), value: bytes(row.value) });
  return reasonWithout(Number(row.flags), reason);
}

function previewOf(bytes: unknown): string | undefined {
  if (bytes === null) return undefined;
  return Buffer.from(bytes as Uint8Array)
    .subarray(0, PREVIEW * 4)
    .toString('utf8')
    .slice(0, PREVIEW);
}

function bytesOf(bytes: Uint8Array, redacted: number): Bytes {
  return {
    base64: Buffer.from(bytes).toString('base64'),
    size: bytes.length,
    ...(redacted !== 0 && { redacted: true }),
  };
}

function headersOf(row: Row): Record<string, number[]>[] {
  return row.headers === null ? [] : JSON.parse(String(row.headers));
}

function isPlaceholder(value: readonly number[]): boolean {
  return Buffer.from(value).toString('utf8') === '[private]';
}

function hasHeader(row: Row, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const [name, text] = at < 0 ? [wanted] : [wanted.slice(0, at), wanted.slice(at + 1)];
  return headersOf(row).some((header) => {
    const value = Object.hasOwn(header, name) ? header[name] : undefined;
    if (value === undefined) return false;
    return text === undefined || Buffer.from(value).toString('utf8') === text;
  });
}

function invocationOf(row: Row): InvocationSummary {
  return {
    id: String(row.uuid),
    ...(row.request !== null && { requestId: String(row.request) }),
    mapping: String(row.mapping_uuid),
    functionKey: String(row.function_key),
    startedAt: Number(row.started),
    ...(row.duration !== null && { durationMs: Number(row.duration) }),
    records: Number(row.records),
    attempt: Number(row.attempt),
    state: row.state as InvocationState,
    ...(row.error !== null && { error: String(row.error) }),
    ...(row.cold !== null && { coldStart: Number(row.cold) === 1 }),
    ...(row.original !== null && { originalId: String(row.original) }),
  };
}

/** The event, byte for byte as it was sent if nothing private is in it. */
function payloadOf(source: EventSource, rows: readonly Row[]): string {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    const key = recordsKey(String(row.topic), Number(row.partition));
    const group = groups.get(key) ?? [];
    group.push(JSON.stringify(eventRecordOf(row)));
    groups.set(key, group);
  }
  return toPayload(source, groups);
}

/** With its members in the event's order. */
export function eventRecordOf(row: Row): EventRecord {
  const extra = row.extra === null ? {} : JSON.parse(String(row.extra));
  const base64 = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('base64');
  return {
    headers: headersOf(row),
    ...(row.key !== null && { key: base64(row.key) }),
    ...(extra.keySchemaMetadata && { keySchemaMetadata: extra.keySchemaMetadata }),
    offset: Number(row.offset),
    partition: Number(row.partition),
    timestamp: Number(row.timestamp),
    timestampType: extra.timestampType ?? 'CREATE_TIME',
    topic: String(row.topic),
    ...(row.value !== null && { value: base64(row.value) }),
    ...(extra.valueSchemaMetadata && { valueSchemaMetadata: extra.valueSchemaMetadata }),
  };
}
