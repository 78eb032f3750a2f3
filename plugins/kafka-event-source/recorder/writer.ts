/** Writes what happens to records into the store. Runs in a thread of its own. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isRunning, startOf } from '../broker/processes.ts';
import type { EventRecord } from '../event.ts';
import { explain } from '../filter/explain.ts';
import type {
  AnswerFacts,
  CallFacts,
  InvocationOp,
  MappingFacts,
  Op,
  Span,
  StoreOptions,
} from './ops.ts';
import { Privacy, reasonWithout, type Secrets } from './privacy.ts';
import { Reader } from './reader.ts';
import { inTransaction, OWNER, openForWriting, rangesOfSpan, STATE } from './schema.ts';
import { traceparentOf } from './traceparent.ts';
import { hideSpan, insertSpan } from './traces.ts';
import { Trimmer } from './trim.ts';
import type { LifeEventKind, LogLine, RecorderChange, RecordState, TraceSpan } from './types.ts';

/** The newest changes that a watcher is told of. */
const MOST_CHANGES = 50;
/** Changes that are noted before the newest are chosen. */
const MOST_NOTED = 10_000;
const TRIM_EVERY_MS = 1_000;

type Value = string | number | bigint | null | Uint8Array;

interface Known {
  readonly id: number;
  readonly facts: MappingFacts;
  readonly secrets: Secrets;
}

export class Writer {
  readonly #db: DatabaseSync;
  readonly #privacy: Privacy;
  readonly #statements = new Map<string, StatementSync>();
  readonly #mappings = new Map<string, Known>();
  readonly #streams = new Map<string, number>();
  /** The events of records that are filtered out, by mapping. */
  readonly #filtered = new Map<string, number>();
  readonly #run: number;
  readonly #reader: Reader;
  /** The widest span of each partition, by which a search for spans ends early. */
  readonly #widest = new Map<string, number>();
  readonly #trimmer: Trimmer;
  #trimmed = 0;
  #isWatched = false;
  #changedRecords: number[] = [];
  #changedInvocations = new Set<string>();
  #changedTraces = new Set<string>();

  /**
   * @param onDeleted called when a store of an older version was deleted
   * @throws StoreVersionError, or an error of the file
   */
  constructor(options: StoreOptions, onDeleted?: () => void) {
    this.#db = openForWriting(options.file, options.maxBytes, onDeleted);
    this.#trimmer = new Trimmer(this.#db, options);
    this.#privacy = new Privacy(options.private);
    this.#reader = new Reader(this.#db);
    this.#run = this.#begin();
  }

  /** Stores the operations. @throws Error if some could not be stored */
  write(ops: readonly Op[], isWatched: boolean): RecorderChange | undefined {
    this.#isWatched = isWatched;
    this.#changedRecords = [];
    this.#changedInvocations = new Set();
    this.#changedTraces = new Set();
    try {
      this.#transact(ops);
    } catch (error) {
      if (ops.length === 1 || isOfFile(error)) throw error;
      // One of them cannot be stored; the others can.
      let failed: unknown;
      for (const op of ops) {
        try {
          this.#transact([op]);
        } catch (one) {
          failed = one;
        }
      }
      if (failed !== undefined) throw failed;
    }
    return isWatched ? this.#changes() : undefined;
  }

  #transact(ops: readonly Op[]): void {
    try {
      inTransaction(this.#db, () => {
        for (const op of ops) this.#apply(op);
      });
    } catch (error) {
      // The rows that the transaction added are gone.
      this.#streams.clear();
      this.#widest.clear();
      this.#filtered.clear();
      throw error;
    }
  }

  /** Answers texts about records of a mapping without the private values of these records. */
  hide(mapping: string, texts: readonly string[]): string[] {
    const secrets = this.#mappings.get(mapping)?.secrets ?? this.#privacy.createSecrets();
    return texts.map((text) => this.#privacy.text(text, secrets));
  }

  /** Removes what is over the limit of size, however long it takes: the next operations wait. */
  shrink(): void {
    while (this.#trimmer.isOverSize && this.#trimmer.trim(Date.now()));
  }

  /** Removes some of what is too old. @returns whether more is to be removed */
  trim(now: number): boolean {
    if (now - this.#trimmed < TRIM_EVERY_MS) return false;
    const isMore = this.#trimmer.trim(now);
    if (!isMore) this.#trimmed = now;
    return isMore;
  }

  close(): void {
    this.#endRun(this.#run);
    this.#db.close();
  }

  /** Begins a run of the emulator, and ends those that were killed. */
  #begin(): number {
    const runs = this.#db.prepare('SELECT id, pid, start FROM run').all();
    for (const { id, pid, start } of runs) {
      if (!isRunning(Number(pid), String(start))) this.#endRun(Number(id));
    }
    const added = this.#db.prepare('INSERT INTO run(pid, start) VALUES(?, ?)');
    return Number(added.run(process.pid, startOf(process.pid)).lastInsertRowid);
  }

  /** The invocations of a run that has ended get no answer any more. */
  #endRun(id: number): void {
    this.#statement(
      "UPDATE invocation SET state = 'interrupted' WHERE run = ? AND state = 'running'",
    ).run(id);
    this.#statement('DELETE FROM run WHERE id = ?').run(id);
  }

  #apply(op: Op): void {
    switch (op.op) {
      case 'mapping':
        this.#addMapping(op);
        break;
      case 'records':
        this.#addRecords(op);
        break;
      case 'invocation':
        this.#addInvocation(op);
        break;
      case 'answer':
        this.#addAnswer(op.id, op.answer, op.call);
        break;
      case 'event':
        this.#addEvent(op);
        break;
      case 'committed':
        this.#statement(
          'INSERT OR IGNORE INTO committed(stream, partition, next, at) VALUES(?, ?, ?, ?)',
        ).run(this.#stream(op), op.partition, op.next, op.at);
        break;
      case 'revoked':
        this.#revoke(op);
        break;
      case 'logs':
        this.#addLogs(op.id, op.lines);
        break;
      case 'traced':
        this.#addSpans(JSON.parse(op.json));
        break;
      case 'counted':
        this.#count(op.mapping, op.count);
        break;
    }
  }

  #count(mapping: string, records: number): void {
    this.#statement('UPDATE mapping SET only_counted = only_counted + ? WHERE uuid = ?').run(
      records,
      mapping,
    );
  }

  #addMapping(facts: MappingFacts): void {
    const { uuid, name, functionKey, source, filters } = facts;
    const { id } = this.#statement(
      `INSERT INTO mapping(uuid, name, function_key, source, filters) VALUES(?, ?, ?, ?, ?)
       ON CONFLICT(uuid) DO UPDATE SET name = excluded.name, function_key = excluded.function_key,
         source = excluded.source, filters = excluded.filters RETURNING id`,
    ).get(uuid, name, functionKey, JSON.stringify(source), JSON.stringify(filters)) as {
      id: number;
    };
    const secrets = this.#mappings.get(uuid)?.secrets ?? this.#privacy.createSecrets();
    this.#mappings.set(uuid, { id, facts, secrets });
    this.#filtered.delete(uuid);
  }

  #known(uuid: string, functionKey = '', topic = ''): Known {
    const known = this.#mappings.get(uuid);
    if (known) return known;
    // A run by hand for a mapping that does not run now.
    const row = this.#statement('SELECT * FROM mapping WHERE uuid = ?').get(uuid);
    const facts: MappingFacts = {
      uuid,
      name: String(row?.name ?? functionKey),
      functionKey: String(row?.function_key ?? functionKey),
      topic,
      source: JSON.parse(String(row?.source ?? '{}')),
      filters: JSON.parse(String(row?.filters ?? '[]')),
    };
    this.#addMapping(facts);
    return this.#known(uuid);
  }

  #stream({ mapping, topicId }: { readonly mapping: string; readonly topicId: string }): number {
    const { id, facts } = this.#known(mapping);
    const key = `${mapping} ${facts.topic} ${topicId}`;
    const found = this.#streams.get(key);
    if (found !== undefined) return found;
    if (topicId === '') {
      // The topic as it was seen last.
      const row = this.#statement(
        'SELECT id FROM stream WHERE mapping = ? AND topic = ? ORDER BY id DESC LIMIT 1',
      ).get(id, facts.topic);
      if (row) return Number(row.id);
    }
    const { id: stream } = this.#statement(
      `INSERT INTO stream(mapping, topic, topic_id) VALUES(?, ?, ?)
       ON CONFLICT(mapping, topic, topic_id) DO UPDATE SET topic = excluded.topic RETURNING id`,
    ).get(id, facts.topic, topicId) as { id: number };
    this.#streams.set(key, stream);
    return stream;
  }

  #addRecords(op: Op & { op: 'records' }): void {
    const { secrets, facts } = this.#known(op.mapping);
    const stream = this.#stream(op);
    const records = JSON.parse(op.json) as EventRecord[];
    for (const [index, record] of records.entries()) {
      const id = this.#put(stream, record, secrets, {
        state: op.state,
        at: op.at,
        seenAt: op.at,
        attempts: 0,
      });
      if (op.state !== 'filteredOut') continue;
      const compared = op.compared?.[index];
      const event = compared
        ? this.#insertEvent(op.at, 'filteredOut', this.#reasonOf(facts, record, compared, secrets))
        : this.#filteredBy(facts);
      this.#statement('UPDATE record SET event = ? WHERE id = ?').run(event, id);
    }
  }

  /** Why the patterns left the record out, without the private values of its decoded key and value. */
  #reasonOf(
    { filters }: MappingFacts,
    { key: _, value: __, ...place }: EventRecord,
    [key, value]: readonly [string | null, string | null],
    secrets: Secrets,
  ): string {
    const decoded = { ...place, ...(key !== null && { key }), ...(value !== null && { value }) };
    const { record, flags } = this.#privacy.record(decoded, secrets);
    const bytes = { key: bytesOf(record.key), value: bytesOf(record.value) };
    return secrets.hide(reasonWithout(flags, explain(filters, { ...record, ...bytes })));
  }

  /** An event with the patterns, from which the reader finds the reason of each record. */
  #filteredBy({ uuid, filters }: MappingFacts): number {
    const known = this.#filtered.get(uuid);
    if (known !== undefined) return known;
    // An earlier run had the same patterns: as they are never removed, they are stored once.
    const stored = this.#statement(
      "SELECT id FROM event WHERE kind = 'filteredOut' AND detail = ?",
    ).get(JSON.stringify({ filters }));
    const event = stored
      ? Number(stored.id)
      : this.#insertEvent(Date.now(), 'filteredOut', '', { filters });
    this.#filtered.set(uuid, event);
    return event;
  }

  /** Stores a record. @returns its id */
  #put(
    stream: number,
    record: EventRecord,
    secrets: Secrets,
    how: {
      readonly state: RecordState;
      readonly at: number;
      readonly seenAt: number;
      readonly attempts: number;
    },
  ): number {
    const { record: kept, flags } = this.#privacy.isNeeded
      ? this.#privacy.record(record, secrets)
      : { record, flags: 0 };
    const { keySchemaMetadata, valueSchemaMetadata, timestampType } = kept;
    const isPlain = !keySchemaMetadata && !valueSchemaMetadata && timestampType === 'CREATE_TIME';
    const extra = isPlain ? null : { keySchemaMetadata, valueSchemaMetadata, timestampType };
    // A private value may be the key or a header, too.
    const key = bytesOf(kept.key);
    const found = this.#statement(
      `INSERT INTO record(stream, partition, offset, timestamp, seen, changed, state, attempts, key,
         value, headers, extra, flags, trace) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(stream, partition, offset) DO UPDATE SET state = excluded.state,
         changed = excluded.changed, attempts = record.attempts + excluded.attempts, event = NULL
       RETURNING id`,
    ).get(
      stream,
      kept.partition,
      kept.offset,
      kept.timestamp,
      how.seenAt,
      how.at,
      STATE[how.state],
      how.attempts,
      key && this.#privacy.isNeeded ? hideIn(key, secrets) : key,
      bytesOf(kept.value),
      kept.headers.length > 0 ? JSON.stringify(kept.headers) : null,
      extra && JSON.stringify(extra),
      flags,
      traceparentOf(kept.headers)?.traceId ?? null,
    ) as { id: number };
    if (this.#isWatched) this.#changedRecords.push(found.id);
    return found.id;
  }

  #addInvocation(op: InvocationOp): void {
    const { answer, again } = op;
    const { secrets, id: mapping } = this.#known(op.mapping, again?.functionKey, again?.topic);
    const stream = this.#stream(op);
    const payload = op.payload;
    if (payload !== undefined && !again) {
      const failed = new Spans(answer?.failed ?? []);
      const read = new Spans(op.spans);
      const at = answer?.at ?? op.at;
      for (const record of recordsOf(payload)) {
        const isFailed = failed.has(record.partition, record.offset);
        const state = !answer ? 'inFlight' : isFailed ? answer.failedState : 'done';
        const attempts = isAttempt(answer) ? 1 : 0;
        const seenAt = read.seenAt(record.partition, record.offset) ?? op.at;
        this.#put(stream, record, secrets, { state, at, seenAt, attempts });
      }
    } else if (!again) {
      let stored = 0;
      for (const span of op.spans) {
        stored += this.#mark(stream, span, 'inFlight', op.at, { attempts: 1 });
      }
      if (answer) this.#markAnswered(stream, op.spans, answer);
      if (op.isCollapsed) this.#count(op.mapping, countOf(op.spans) - stored);
    }
    const shown = again && this.#privacy.text(payload ?? '', secrets);
    const records = countOf(op.spans);
    const { lastInsertRowid } = this.#statement(
      `INSERT INTO invocation(uuid, request, mapping, started, duration, records, attempt, state, error,
         answer, cold, has_logs, is_again, original, payload, is_redacted, run)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      op.id,
      op.call.requestId ?? null,
      mapping,
      op.at,
      answer?.durationMs ?? null,
      records,
      op.attempt,
      answer?.state ?? 'running',
      answer?.error === undefined ? null : secrets.hide(answer.error),
      answer?.answer === undefined ? null : this.#privacy.text(answer.answer, secrets),
      boolean(op.call.isCold),
      op.call.logs ? 1 : 0,
      again ? 1 : 0,
      again?.originalId ?? null,
      shown ?? null,
      Number(again !== undefined && shown !== payload),
      this.#run,
    );
    const id = Number(lastInsertRowid);
    for (const span of op.spans) this.#insertSpan(OWNER.invocation, id, stream, span);
    this.#changedInvocations.add(op.id);
    if (op.call.logs) this.#insertLog(id, op.call.logs, secrets);
  }

  #addAnswer(uuid: string, answer: AnswerFacts, call: CallFacts): void {
    const found = this.#invocation(uuid);
    if (!found) return;
    const secrets = this.#secretsOf(found.mapping);
    this.#statement(
      `UPDATE invocation SET duration = ?, state = ?, error = ?, answer = ?, request = ?, cold = ?,
         has_logs = ? WHERE id = ?`,
    ).run(
      answer.durationMs,
      answer.state,
      answer.error === undefined ? null : secrets.hide(answer.error),
      answer.answer === undefined ? null : this.#privacy.text(answer.answer, secrets),
      call.requestId ?? null,
      boolean(call.isCold),
      call.logs ? 1 : 0,
      found.id,
    );
    this.#changedInvocations.add(uuid);
    if (call.logs) this.#insertLog(found.id, call.logs, secrets);
    if (found.is_again) return;
    for (const { stream, ...span } of this.#spansOf(OWNER.invocation, found.id)) {
      this.#markAnswered(stream, [span], answer);
    }
  }

  #markAnswered(stream: number, spans: readonly Span[], answer: AnswerFacts) {
    const { at, failed, failedState } = answer;
    // The invocation was counted when it began.
    const attempts = isAttempt(answer) ? 0 : -1;
    for (const span of spans) this.#mark(stream, span, 'done', at, { attempts });
    for (const span of failed) {
      if (spans.some(({ partition }) => partition === span.partition)) {
        this.#mark(stream, span, failedState, at);
      }
    }
  }

  #addEvent(op: Op & { op: 'event' }): void {
    const { secrets } = this.#known(op.mapping);
    const stream = this.#stream(op);
    const state = op.state;
    if (op.json !== undefined) {
      const read = new Spans(op.spans);
      for (const record of JSON.parse(op.json) as EventRecord[]) {
        this.#put(stream, record, secrets, {
          state: state ?? 'waiting',
          at: op.at,
          seenAt: read.seenAt(record.partition, record.offset) ?? op.at,
          attempts: 0,
        });
      }
    }
    const event = this.#insertEvent(op.at, op.kind, secrets.hide(op.text), op.detail);
    for (const span of op.spans) {
      this.#insertSpan(OWNER.event, event, stream, span);
      this.#mark(stream, span, state, op.at, { event });
    }
  }

  /** Records that another member has now, or that are read again, wait for nothing here. */
  #revoke(op: Op & { op: 'revoked' }): void {
    const event = this.#insertEvent(
      op.at,
      'read',
      'The partition was taken from this process before the record was done; its next reader gets the record.',
    );
    this.#statement(
      `UPDATE record SET state = ${STATE.waiting}, event = ? WHERE stream = ? AND partition = ?
         AND state IN (${STATE.inFlight}, ${STATE.retrying}, ${STATE.reportedFailed}, ${STATE.waiting})`,
    ).run(event, this.#stream(op), op.partition);
  }

  #addLogs(uuid: string, lines: readonly LogLine[]): void {
    const found = this.#invocation(uuid);
    if (!found) return;
    this.#insertLog(found.id, lines, this.#secretsOf(found.mapping));
    this.#statement('UPDATE invocation SET has_logs = 1 WHERE id = ?').run(found.id);
    this.#changedInvocations.add(uuid);
  }

  #insertLog(invocation: number, lines: readonly LogLine[], secrets: Secrets): void {
    if (lines.length === 0) return;
    const hidden = lines.map((one) => ({ ...one, line: this.#privacy.text(one.line, secrets) }));
    this.#statement('INSERT INTO log(invocation, lines) VALUES(?, ?)').run(
      invocation,
      JSON.stringify(hidden),
    );
  }

  #addSpans(spans: readonly TraceSpan[]): void {
    const known = [...this.#mappings.values()].map(({ secrets }) => secrets);
    const secrets = known.length > 0 ? known : [this.#privacy.createSecrets()];
    const statement = (sql: string) => this.#statement(sql);
    for (const span of spans) {
      const isNew = insertSpan(statement, hideSpan(span, this.#privacy, secrets), Date.now());
      if (isNew) this.#changedTraces.add(span.traceId);
    }
  }

  #insertEvent(at: number, kind: LifeEventKind, text: string, detail?: object): number {
    const { lastInsertRowid } = this.#statement(
      'INSERT INTO event(at, kind, text, detail) VALUES(?, ?, ?, ?)',
    ).run(at, kind, text, detail === undefined ? null : JSON.stringify(detail));
    return Number(lastInsertRowid);
  }

  #insertSpan(kind: number, owner: number, stream: number, { partition, ranges }: Span): void {
    const [first, last] = [ranges[0]?.[0], ranges.at(-1)?.[1]];
    if (first === undefined || last === undefined) return;
    this.#statement(
      'INSERT INTO span(owner, kind, stream, partition, first, last, ranges) VALUES(?, ?, ?, ?, ?, ?, ?)',
    ).run(
      owner,
      kind,
      stream,
      partition,
      first,
      last,
      ranges.length > 1 ? JSON.stringify(ranges) : null,
    );
    this.#widen(stream, partition, last - first);
  }

  #widen(stream: number, partition: number, width: number): void {
    const key = `${stream} ${partition}`;
    if (width <= (this.#widest.get(key) ?? -1)) return;
    this.#widest.set(key, width);
    this.#statement(
      `INSERT INTO widest(stream, partition, width) VALUES(?, ?, ?)
       ON CONFLICT(stream, partition) DO UPDATE SET width = max(width, excluded.width)`,
    ).run(stream, partition, width);
  }

  /** Changes the records of a span. A state that is left out stays. @returns their number */
  #mark(
    stream: number,
    { partition, ranges }: Span,
    state: RecordState | undefined,
    at: number,
    { attempts = 0, event }: { readonly attempts?: number; readonly event?: number } = {},
  ): number {
    const sets = ['changed = ?', 'attempts = attempts + ?'];
    const values: Value[] = [at, attempts];
    if (state !== undefined) {
      sets.push('state = ?');
      values.push(STATE[state]);
    }
    sets.push('event = ?');
    values.push(event ?? null);
    // A step that happened later may be stored already.
    const statement = this.#statement(
      `UPDATE record SET ${sets.join(', ')}
       WHERE stream = ? AND partition = ? AND offset BETWEEN ? AND ? AND changed <= ? AND state <> ?`,
    );
    // A record that a pattern left out may lie between two that were delivered.
    let marked = 0;
    for (const [first, last] of ranges) {
      const { changes } = statement.run(
        ...values,
        stream,
        partition,
        first,
        last,
        at,
        STATE.filteredOut,
      );
      marked += Number(changes);
      this.#noteChanged(stream, partition, first, last);
    }
    return marked;
  }

  #noteChanged(stream: number, partition: number, first: number, last: number): void {
    if (!this.#isWatched || this.#changedRecords.length >= MOST_NOTED) return;
    const found = this.#statement(
      `SELECT id FROM record WHERE stream = ? AND partition = ? AND offset BETWEEN ? AND ?
         ORDER BY offset DESC LIMIT ?`,
    ).all(stream, partition, first, last, MOST_CHANGES);
    for (const { id } of found) this.#changedRecords.push(Number(id));
  }

  #spansOf(kind: number, owner: number): (Span & { readonly stream: number })[] {
    const found = this.#statement(
      'SELECT stream, partition, first, last, ranges FROM span WHERE kind = ? AND owner = ?',
    ).all(kind, owner);
    return found.map((span) => ({
      stream: Number(span.stream),
      partition: Number(span.partition),
      count: 0,
      ranges: rangesOfSpan(span),
    }));
  }

  #invocation(
    uuid: string,
  ): { readonly id: number; readonly mapping: number; readonly is_again: number } | undefined {
    return this.#statement('SELECT id, mapping, is_again FROM invocation WHERE uuid = ?').get(
      uuid,
    ) as { id: number; mapping: number; is_again: number } | undefined;
  }

  #secretsOf(mapping: number): Secrets {
    for (const known of this.#mappings.values()) if (known.id === mapping) return known.secrets;
    return this.#privacy.createSecrets();
  }

  #statement(sql: string): StatementSync {
    const found = this.#statements.get(sql);
    if (found) return found;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #changes(): RecorderChange {
    const records = [...new Set(this.#changedRecords)];
    const invocations = [...this.#changedInvocations];
    return {
      records: this.#reader.summaries(records.slice(-MOST_CHANGES).reverse()),
      invocations: this.#reader.invocationSummaries(invocations.slice(-MOST_CHANGES).reverse()),
      more: {
        records: Math.max(0, records.length - MOST_CHANGES),
        invocations: Math.max(0, invocations.length - MOST_CHANGES),
      },
      traces: [...this.#changedTraces].slice(-MOST_CHANGES),
    };
  }
}

/** Tells which offsets are in some spans. */
class Spans {
  readonly #byPartition: ReadonlyMap<number, Span>;

  constructor(spans: readonly Span[]) {
    this.#byPartition = new Map(spans.map((span) => [span.partition, span]));
  }

  has(partition: number, offset: number): boolean {
    const ranges = this.#byPartition.get(partition)?.ranges;
    return ranges?.some(([first, last]) => first <= offset && offset <= last) ?? false;
  }

  /** The time (ms) at which the record was read. */
  seenAt(partition: number, offset: number): number | undefined {
    const seen = this.#byPartition.get(partition)?.seen;
    return seen?.findLast(([first]) => first <= offset)?.[1];
  }
}

function countOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { count }) => sum + count, 0);
}

function recordsOf(payload: string): EventRecord[] {
  const { records } = JSON.parse(payload) as { records: Record<string, EventRecord[]> };
  return Object.values(records).flat();
}

/** Whether the store's file is the fault: SQLite's codes for busy, locked, I/O, corrupt, full and no database. */
function isOfFile(error: unknown): boolean {
  return [5, 6, 10, 11, 13, 26].includes((error as { errcode?: number }).errcode ?? 0);
}

function bytesOf(base64: string | undefined): Buffer | null {
  return base64 === undefined ? null : Buffer.from(base64, 'base64');
}

/** Bytes that are no text have no texts to be hidden. */
export function hideIn(bytes: Buffer, secrets: Secrets): Buffer {
  const text = bytes.toString('utf8');
  const hidden = secrets.hide(text);
  return hidden === text ? bytes : Buffer.from(hidden);
}

// AWS: an invocation that did not reach the function is no attempt.
function isAttempt(answer: AnswerFacts | undefined): boolean {
  return answer?.state !== 'throttled' && answer?.state !== 'notReached';
}

function boolean(value: boolean | undefined): number | null {
  return value === undefined ? null : Number(value);
}
