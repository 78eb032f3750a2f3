/** The rows of a trace, in the order in which they are read: each one below the row that it comes from. */
import type {
  InvocationSummary,
  JoinedSpan,
  Spans,
  Trace,
  TraceRecord,
} from '../../recorder/types.ts';

type Thing =
  | { readonly kind: 'span'; readonly span: JoinedSpan }
  | { readonly kind: 'record'; readonly record: TraceRecord }
  | { readonly kind: 'invocation'; readonly invocation: InvocationSummary };

export type Row = Thing & {
  readonly key: string;
  readonly depth: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** Undefined for a moment. */
  readonly durationMs?: number | undefined;
};

interface Node {
  readonly thing: Thing;
  readonly from: number;
  readonly durationMs?: number | undefined;
  readonly below: string[];
}

type Given = Spans & Partial<Pick<Trace, 'records' | 'invocations'>>;

const keyOfSpan = (traceId: string, spanId: string) => `span ${traceId} ${spanId}`;
const keyOfInvocation = (id: string) => `invocation ${id}`;
const keyOfRecord = ({ mapping, topic, topicId, partition, offset }: TraceRecord) =>
  `record ${mapping} ${topic} ${topicId} ${partition} ${offset}`;

/**
 * A span is below its parent; a record below the span that sent it; an invocation below its first record; and
 * a span that an invocation began is below that invocation. A span whose parent is missing is below a span
 * that it links to.
 */
export function rowsOf({ spans, records = [], invocations = [] }: Given): Row[] {
  const nodes = new Map<string, Node>();
  const parents = new Map<string, string>();
  const sender = (trace: string | undefined, span: string) => trace && keyOfSpan(trace, span);
  for (const span of spans) {
    const { startedAt: from, durationMs } = span;
    const thing = { kind: 'span', span } as const;
    nodes.set(keyOfSpan(span.traceId, span.spanId), { thing, from, durationMs, below: [] });
  }
  for (const record of records) {
    const key = keyOfRecord(record);
    const from = record.timestamp >= 0 ? record.timestamp : record.seenAt;
    nodes.set(key, { thing: { kind: 'record', record }, from, below: [] });
    const parent = sender(record.traceId, record.parentId);
    if (parent) parents.set(key, parent);
  }
  for (const invocation of invocations) {
    const { startedAt: from, durationMs } = invocation;
    const key = keyOfInvocation(invocation.id);
    nodes.set(key, { thing: { kind: 'invocation', invocation }, from, durationMs, below: [] });
    const first = records.find((record) => record.invocations.includes(invocation.id));
    if (first) parents.set(key, keyOfRecord(first));
  }
  for (const span of spans) {
    const above = [
      span.invocation === undefined ? [] : keyOfInvocation(span.invocation),
      span.parentId === undefined ? [] : keyOfSpan(span.traceId, span.parentId),
      span.links.map(({ traceId, spanId }) => keyOfSpan(traceId, spanId)),
    ].flat();
    const own = keyOfSpan(span.traceId, span.spanId);
    const parent = above.find((key) => key !== own && nodes.has(key));
    if (parent) parents.set(own, parent);
  }
  const tops: string[] = [];
  for (const key of nodes.keys()) {
    const parent = nodes.get(parents.get(key) ?? '');
    if (parent) parent.below.push(key);
    else tops.push(key);
  }
  return inOrder(nodes, tops);
}

/** Spans whose parents form a circle are shown from any one of them on, so that none is left out. */
function inOrder(nodes: ReadonlyMap<string, Node>, tops: readonly string[]): Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  const byStart = (keys: readonly string[]) =>
    keys.toSorted((a, b) => (nodes.get(a)?.from ?? 0) - (nodes.get(b)?.from ?? 0));
  for (const top of [...byStart(tops), ...nodes.keys()]) {
    const open = [{ key: top, depth: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { key, depth } = next;
      const node = nodes.get(key);
      if (!node || seen.has(key)) continue;
      seen.add(key);
      const { thing, from, durationMs } = node;
      rows.push({ ...thing, key, depth, from, durationMs });
      open.push(
        ...byStart(node.below)
          .toReversed()
          .map((one) => ({ key: one, depth: depth + 1 })),
      );
    }
  }
  return rows;
}

/** The whole time of the rows. */
export function timeOf(rows: readonly Row[]): { readonly from: number; readonly ms: number } {
  const from = rows.reduce((first, row) => Math.min(first, row.from), Number.POSITIVE_INFINITY);
  const until = rows.reduce((last, row) => Math.max(last, row.from + (row.durationMs ?? 0)), 0);
  return { from, ms: Math.max(0, until - from) };
}
