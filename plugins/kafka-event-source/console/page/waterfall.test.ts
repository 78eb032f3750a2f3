import { expect, test } from '@jest/globals';
import type { InvocationSummary, JoinedSpan, TraceRecord } from '../../recorder/types.ts';
import { rowsOf, timeOf } from './waterfall.ts';

const TRACE = 'a'.repeat(32);

function span(name: string, startedAt: number, changes: Partial<JoinedSpan> = {}): JoinedSpan {
  return {
    traceId: TRACE,
    spanId: name,
    service: 'orders',
    name,
    kind: 'internal',
    startedAt,
    durationMs: 10,
    status: 'unset',
    attributes: {},
    events: [],
    links: [],
    ...changes,
  };
}

const record = {
  mapping: 'm',
  topic: 'orders',
  partition: 0,
  offset: '7',
  timestamp: 15,
  seenAt: 20,
  state: 'done',
  traceId: TRACE,
  parentId: 'send',
  invocations: ['i'],
} as unknown as TraceRecord;

const invocation = { id: 'i', startedAt: 21, durationMs: 30 } as InvocationSummary;

const linesOf = (given: Parameters<typeof rowsOf>[0]) =>
  rowsOf(given).map((row) => {
    const name = row.kind === 'span' ? row.span.name : row.kind;
    return `${'.'.repeat(row.depth)}${name}`;
  });

test('a path reads from the request through the record and its invocation to the last call', () => {
  const spans = [
    span('query', 33, { parentId: 'handle' }),
    span('request', 10),
    span('write', 11, { parentId: 'request' }),
    span('send', 14, { parentId: 'request' }),
    span('handle', 30, { parentId: 'send', invocation: 'i' }),
    span('relay', 60, { parentId: 'not sent' }),
  ];
  expect(linesOf({ spans, records: [record], invocations: [invocation] })).toEqual([
    'request',
    '.write',
    '.send',
    '..record',
    '...invocation',
    '....handle',
    '.....query',
    'relay',
  ]);
  expect(timeOf(rowsOf({ spans, records: [record], invocations: [invocation] }))).toEqual({
    from: 10,
    ms: 60,
  });
});

test('the spans of an invocation hang together by their links', () => {
  const spans = [
    span('notify', 1, { traceId: 'b'.repeat(32) }),
    span('record', 2, {
      parentId: 'send',
      links: [{ traceId: 'b'.repeat(32), spanId: 'notify' }],
    }),
    span('query', 3, { parentId: 'record' }),
  ];
  expect(linesOf({ spans })).toEqual(['notify', '.record', '..query']);
});

test('each span has one line, whatever the parents and links are', () => {
  const circle = [
    span('a', 1, { parentId: 'b' }),
    span('b', 2, { parentId: 'c' }),
    span('c', 3, { parentId: 'a', links: [{ traceId: TRACE, spanId: 'a' }] }),
    span('self', 4, { parentId: 'self', links: [{ traceId: TRACE, spanId: 'self' }] }),
  ];
  expect(
    linesOf({ spans: circle })
      .map((line) => line.replace(/^\.+/, ''))
      .sort(),
  ).toEqual(['a', 'b', 'c', 'self']);
  const deep = Array.from({ length: 20_000 }, (_, index) =>
    span(`s${index}`, index, { parentId: `s${index - 1}` }),
  );
  expect(rowsOf({ spans: deep }).at(-1)?.depth).toBe(19_999);
  expect(timeOf([])).toEqual({ from: Number.POSITIVE_INFINITY, ms: 0 });
});

test('a record without a time of its own stands where it was read', () => {
  const [row] = rowsOf({ spans: [], records: [{ ...record, timestamp: -1 }] });
  expect(row?.from).toBe(20);
});
