/** Writes the spans of traces, and answers questions about them, their records and their invocations. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Privacy, Secrets } from './privacy.ts';
import type { Reader, Row } from './reader.ts';
import { traceparentOf } from './traceparent.ts';
import type {
  JoinedSpan,
  Page,
  Spans,
  Trace,
  TraceQuery,
  TraceRecord,
  TraceSpan,
  TraceSummary,
} from './types.ts';

/** The most spans of a trace, or of an invocation, in an answer. */
const MOST_SPANS = 1_000;
/** The most records of a trace in an answer. */
const MOST_RECORDS = 100;
/** The most traces of an invocation's records that are searched for its spans. */
const MOST_TRACES = 100;
/** The most links of a span that are followed. */
const MOST_LINKS = 16;

/** The bytes of a span's ids, times and indices, and of a link, as measured in a store of 90 000 spans. */
const ROW_BYTES = 300;
const LINK_BYTES = 150;

/** The attributes with the request id of an invocation, the newest name first: https://opentelemetry.io/docs/specs/semconv/faas/ */
const REQUEST_IDS = ['faas.invocation_id', 'faas.execution'];

/** The JSON of a span: only fields that a list or a join needs are columns. */
type Facts = Omit<TraceSpan, 'traceId' | 'spanId' | 'parentId' | 'service' | 'name'>;

/** The columns of a span whose values may be private. */
export function columnsOf(span: TraceSpan) {
  const { traceId, spanId, parentId, service, name, ...rest } = span;
  const facts: Facts = rest;
  return { service, name, request: requestOf(span), facts: JSON.stringify(facts) };
}

export function spanOf(row: Row): TraceSpan {
  return {
    traceId: String(row.trace),
    spanId: String(row.span),
    ...(row.parent !== null && { parentId: String(row.parent) }),
    service: String(row.service),
    name: String(row.name),
    ...(JSON.parse(String(row.facts)) as Facts),
  };
}

/**
 * Stores a span, unless it is there already.
 *
 * @param at the time (ms) at which it was received
 * @returns whether it was not there
 */
export function insertSpan(
  statement: (sql: string) => StatementSync,
  span: TraceSpan,
  at: number,
): boolean {
  const { service, name, request, facts } = columnsOf(span);
  const micros = (ms: number) => Math.round(ms * 1_000);
  const added = statement(
    `INSERT OR IGNORE INTO trace_span(trace, span, parent, started, duration, is_error, at, size, request,
       service, name, facts) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    span.traceId,
    span.spanId,
    span.parentId ?? null,
    micros(span.startedAt),
    micros(span.durationMs),
    Number(span.status === 'error'),
    at,
    facts.length + name.length + service.length + ROW_BYTES + span.links.length * LINK_BYTES,
    request,
    service,
    name,
    facts,
  );
  if (added.changes === 0) return false;
  const link = statement('INSERT OR IGNORE INTO trace_link(trace, target, span) VALUES(?, ?, ?)');
  for (const one of span.links) link.run(one.traceId, one.spanId, added.lastInsertRowid);
  return true;
}

/** The span without private values, including those of the mappings' records that are known by now. */
export function hideSpan(
  span: TraceSpan,
  privacy: Privacy,
  secrets: readonly Secrets[],
): TraceSpan {
  if (!privacy.isNeeded) return span;
  const text = (given: string) => secrets.reduce((hidden, own) => privacy.text(hidden, own), given);
  const values = (given: TraceSpan['attributes']) =>
    privacy.attributes(given, secrets) as TraceSpan['attributes'];
  return {
    ...span,
    service: text(span.service),
    name: text(span.name),
    ...(span.message !== undefined && { message: text(span.message) }),
    attributes: values(span.attributes),
    events: span.events.map((event) => ({
      ...event,
      name: text(event.name),
      attributes: values(event.attributes),
    })),
  };
}

/** The request id of the invocation that the span stands for. */
function requestOf({ attributes, kind }: TraceSpan): string | null {
  // A client's span has the request id of its own call.
  const names = kind === 'client' ? REQUEST_IDS : [...REQUEST_IDS, 'aws.request_id'];
  const found = names.map((name) => attributes[name]).find((value) => typeof value === 'string');
  return (found as string | undefined) ?? null;
}

export class TraceReader {
  readonly #statement: (sql: string) => StatementSync;
  readonly #reader: Reader;

  constructor(db: DatabaseSync, reader: Reader) {
    const statements = new Map<string, StatementSync>();
    this.#statement = (sql) => {
      const found = statements.get(sql) ?? db.prepare(sql);
      statements.set(sql, found);
      return found;
    };
    this.#reader = reader;
  }

  list({ service, status, cursor }: TraceQuery, limit: number, from: number): Page<TraceSummary> {
    const rows = this.#statement(
      `SELECT trace, max(id) AS last, min(started) AS first, max(started + duration) AS until,
         count(*) AS spans, sum(is_error) AS errors FROM trace_span GROUP BY trace
         HAVING last < ? AND (? IS NULL OR sum(service = ?) > 0) AND (? IS NULL OR errors > 0)
         ORDER BY last DESC LIMIT ?`,
    ).all(
      cursor === undefined ? Number.MAX_SAFE_INTEGER : from,
      service ?? null,
      service ?? null,
      status ?? null,
      limit + 1,
    );
    const items = rows.slice(0, limit).map((row) => this.#summary(row));
    return { items, ...(rows.length > limit && { next: String(rows[limit - 1]?.last) }) };
  }

  #summary({ trace, first, until, spans, errors }: Row): TraceSummary {
    const services = this.#statement(
      'SELECT DISTINCT service FROM trace_span WHERE trace = ? ORDER BY service LIMIT 20',
    ).all(String(trace));
    const root = this.#statement(
      'SELECT name FROM trace_span WHERE trace = ? ORDER BY parent IS NOT NULL, started, id LIMIT 1',
    ).get(String(trace));
    return {
      traceId: String(trace),
      name: String(root?.name),
      services: services.map(({ service }) => String(service)),
      startedAt: Number(first) / 1_000,
      durationMs: (Number(until) - Number(first)) / 1_000,
      spans: Number(spans),
      errors: Number(errors),
    };
  }

  /** Undefined if neither a span nor a record has the trace. */
  trace(traceId: string): Trace | undefined {
    const { spans, isCut } = this.#spans('WHERE trace = ?', traceId);
    const records = this.#records(traceId);
    if (spans.length + records.length === 0) return undefined;
    const ids = new Set([
      ...records.flatMap(({ invocations }) => invocations),
      ...spans.flatMap(({ invocation }) => invocation ?? []),
    ]);
    const invocations = this.#reader.invocationSummaries([...ids]);
    return { traceId, spans, ...(isCut && { isCut }), records, invocations };
  }

  /** See `RecorderReader.spansOf`. @param id of the row */
  ofInvocation(id: number): Spans {
    const row = this.#statement('SELECT * FROM invocation WHERE id = ?').get(id);
    if (!row) return { spans: [] };
    const own = this.#statement('SELECT id FROM trace_span WHERE request IN (?, ?)')
      .all(String(row.uuid), String(row.request ?? row.uuid))
      .map((found) => Number(found.id));
    return own.length > 0 ? this.#below(own) : this.#during(row);
  }

  /** These spans, those that link to them, and all spans below. */
  #below(ids: readonly number[]): Spans {
    return this.#spans(
      `WHERE id IN (
         WITH RECURSIVE below(id) AS (
           SELECT value FROM json_each(?)
           UNION SELECT l.span FROM trace_link l JOIN trace_span s ON s.trace = l.trace AND s.span = l.target
             WHERE s.id IN (SELECT value FROM json_each(?))
           UNION SELECT c.id FROM below b JOIN trace_span p ON p.id = b.id
             JOIN trace_span c ON c.trace = p.trace AND c.parent = p.span)
         SELECT id FROM below)`,
      JSON.stringify(ids),
      JSON.stringify(ids),
    );
  }

  /** The spans in the traces of the records, or with a link to them, that began while the invocation ran. */
  #during({ id, started, duration }: Row): Spans {
    const from = (Number(started) - 1) * 1_000;
    const to = duration === null ? Date.now() * 1_000 : from + (Number(duration) + 2) * 1_000;
    const traces = this.#statement(
      `SELECT DISTINCT r.trace FROM span s JOIN record r ON r.stream = s.stream AND r.partition = s.partition
         AND r.offset BETWEEN s.first AND s.last
         WHERE s.kind = 0 AND s.owner = ? AND r.trace IS NOT NULL LIMIT ${MOST_TRACES}`,
    ).all(Number(id));
    const list = JSON.stringify(traces.map(({ trace }) => trace));
    // A span of another invocation names that one.
    return this.#spans(
      `WHERE started BETWEEN ? AND ? AND request IS NULL AND (trace IN (SELECT value FROM json_each(?))
         OR id IN (SELECT span FROM trace_link WHERE trace IN (SELECT value FROM json_each(?))))`,
      from,
      to,
      list,
      list,
    );
  }

  #spans(where: string, ...values: readonly SQLInputValue[]): Spans {
    const rows = this.#statement(
      `SELECT * FROM trace_span ${where} ORDER BY started, id LIMIT ${MOST_SPANS + 1}`,
    ).all(...values);
    const spans = rows.slice(0, MOST_SPANS).map((row) => this.#joined(row));
    return { spans, ...(rows.length > MOST_SPANS && { isCut: true }) };
  }

  #joined(row: Row): JoinedSpan {
    const span = spanOf(row);
    const target = this.#statement('SELECT request FROM trace_span WHERE trace = ? AND span = ?');
    const linked = span.links
      .slice(0, MOST_LINKS)
      .map(({ traceId, spanId }) => target.get(traceId, spanId)?.request);
    const invocation = [row.request, ...linked]
      .flatMap((request) => (typeof request === 'string' ? this.#invocationOf(request) : []))
      .find((id) => id !== undefined);
    return { ...span, ...(invocation !== undefined && { invocation }) };
  }

  #invocationOf(request: string): string | undefined {
    const row = this.#statement(
      'SELECT uuid FROM invocation WHERE request = ? OR uuid = ? ORDER BY id DESC LIMIT 1',
    ).get(request, request);
    return row && String(row.uuid);
  }

  #records(traceId: string): TraceRecord[] {
    const rows = this.#statement(
      `SELECT id, stream, partition, offset, headers FROM record WHERE trace = ? ORDER BY id LIMIT ${MOST_RECORDS}`,
    ).all(traceId);
    return rows.flatMap((row) => {
      const [summary] = this.#reader.summaries([Number(row.id)]);
      const parent = traceparentOf(JSON.parse(String(row.headers)));
      if (!summary || !parent) return [];
      return { ...summary, parentId: parent.spanId, invocations: this.#reader.invocationsAt(row) };
    });
  }
}
