import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from '@jest/globals';
import type { BufferedRecord } from '../record.ts';
import {
  bufferedRecord,
  recorder,
  sentOf,
  startHere,
  storeFiles,
  TOPIC,
} from '../test/support/recorded.ts';
import { until } from '../test/support/until.ts';
import { exportStore } from './export.ts';
import { openExport } from './imports.ts';
import { Outbox } from './outbox.ts';
import type { TraceSpan } from './types.ts';

const open: ReturnType<typeof recorder>[] = [];

function begin(...args: Parameters<typeof recorder>) {
  const [options, changes] = args;
  const made = recorder({ start: startHere, ...options }, changes);
  open.push(made);
  return made;
}

afterEach(async () => {
  for (const { recording, folder } of open.splice(0)) {
    await recording.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

const ORDER = '0a'.repeat(16);
const BATCH = '0b'.repeat(16);
const HTTP = '11'.repeat(8);
const SEND = '12'.repeat(8);
const NOTIFY = '13'.repeat(8);
const RECORD = '14'.repeat(8);

const NOW = Date.now();

function spanOf(changes: Partial<TraceSpan>): TraceSpan {
  return {
    traceId: ORDER,
    spanId: HTTP,
    service: 'orders',
    name: 'createOrder',
    kind: 'server',
    startedAt: NOW,
    durationMs: 20,
    status: 'unset',
    attributes: {},
    events: [],
    links: [],
    ...changes,
  };
}

const sent = (offset: number, value = '{}', parent = SEND, trace = ORDER) =>
  bufferedRecord(offset, value, {
    headers: { traceparent: Buffer.from(`00-${trace}-${parent}-01`) },
  });

/** Lets an invocation happen with these records. */
function invoke(
  { recording, onStep, mapping }: ReturnType<typeof recorder>,
  id: string,
  records: readonly BufferedRecord[],
  requestId?: string,
): void {
  const batch = [{ partition: 0, records }];
  onStep({ kind: 'invoked', id, batch, attempt: 1, payload: sentOf(records, mapping) });
  if (requestId) recording.began({ invocation: id, requestId, isCold: false });
  onStep({
    kind: 'answered',
    id,
    result: { kind: 'ok', payload: null },
    failed: [],
    reason: undefined,
  });
}

const PATH: readonly TraceSpan[] = [
  spanOf({}),
  spanOf({ spanId: SEND, parentId: HTTP, name: 'send', kind: 'producer', startedAt: NOW + 5 }),
  // The function handles a batch in a trace of its own, and each record in the trace of the record.
  spanOf({
    traceId: BATCH,
    spanId: NOTIFY,
    name: 'notify',
    kind: 'consumer',
    startedAt: NOW + 30,
    attributes: { 'faas.invocation_id': 'request-1' },
  }),
  spanOf({
    spanId: RECORD,
    parentId: SEND,
    name: 'record',
    kind: 'consumer',
    startedAt: NOW + 31,
    links: [{ traceId: BATCH, spanId: NOTIFY }],
  }),
  spanOf({
    spanId: '15'.repeat(8),
    parentId: RECORD,
    name: 'DynamoDB Query',
    kind: 'client',
    startedAt: NOW + 32,
    status: 'error',
    message: 'throttled',
    attributes: { 'aws.request_id': 'of DynamoDB' },
  }),
];

const names = (spans: readonly TraceSpan[]) => spans.map(({ name }) => name);

test('a trace has its spans of all services, its records, and their invocations', async () => {
  const made = begin();
  invoke(made, 'invocation-1', [sent(7), bufferedRecord(8, '{}')], 'request-1');
  expect(made.recording.addSpans(PATH)).toBe(true);
  await made.recording.flush();
  const trace = await made.recording.trace(ORDER);
  expect(names(trace?.spans ?? [])).toEqual(['createOrder', 'send', 'record', 'DynamoDB Query']);
  // The record's span says by its link that it is part of the invocation.
  expect(trace?.spans.map(({ invocation }) => invocation)).toEqual([
    undefined,
    undefined,
    'invocation-1',
    undefined,
  ]);
  expect(trace?.records).toMatchObject([
    { topic: TOPIC, offset: '7', parentId: SEND, traceId: ORDER, invocations: ['invocation-1'] },
  ]);
  expect(trace?.invocations).toMatchObject([{ id: 'invocation-1', requestId: 'request-1' }]);
  const { traceId: _, ...last } = PATH.at(-1) ?? spanOf({});
  expect(trace?.spans.at(-1)).toMatchObject(last);
  expect(await made.recording.trace('ee'.repeat(16))).toBeUndefined();
});

test('an invocation shows the spans that name its request, those that link to them, and all below', async () => {
  const made = begin();
  invoke(made, 'invocation-1', [sent(7)], 'request-1');
  invoke(made, 'invocation-2', [sent(7)], 'request-2');
  made.recording.addSpans(PATH);
  await made.recording.flush();
  for (const id of ['invocation-1', 'request-1']) {
    const { spans } = await made.recording.spansOf(id);
    expect(names(spans)).toEqual(['notify', 'record', 'DynamoDB Query']);
  }
  expect(await made.recording.spansOf('unknown')).toEqual({ spans: [] });
});

test('spans that name no invocation are those of its records that began while it ran', async () => {
  const made = begin();
  invoke(made, 'invocation-1', [sent(7)]);
  await made.recording.flush();
  const { startedAt = 0 } = (await made.recording.invocation('invocation-1')) ?? {};
  const during = (changes: Partial<TraceSpan>) => spanOf({ startedAt, ...changes });
  made.recording.addSpans([
    during({ name: 'in the trace', spanId: SEND }),
    during({
      name: 'with a link',
      traceId: BATCH,
      spanId: NOTIFY,
      links: [{ traceId: ORDER, spanId: SEND }],
    }),
    during({ name: 'before', startedAt: startedAt - 60_000 }),
    during({ name: 'of another trace', traceId: 'dd'.repeat(16) }),
    during({ name: 'another invocation', spanId: RECORD, attributes: { 'faas.execution': 'x' } }),
  ]);
  await made.recording.flush();
  const { spans } = await made.recording.spansOf('invocation-1');
  expect(names(spans)).toEqual(['in the trace', 'with a link']);
});

test('a record of a trace without spans is found, and a broken header names none', async () => {
  const made = begin();
  const broken = ['no', `00-${'0'.repeat(32)}-${SEND}-01`, `ff-${ORDER}-${SEND}-01`].map(
    (traceparent, offset) =>
      bufferedRecord(offset, '{}', { headers: { traceparent: Buffer.from(traceparent) } }),
  );
  invoke(made, 'invocation-1', [...broken, sent(5)]);
  await made.recording.flush();
  expect(await made.recording.trace(ORDER)).toMatchObject({
    spans: [],
    records: [{ offset: '5' }],
    invocations: [{ id: 'invocation-1' }],
  });
  const { items } = await made.recording.records();
  expect(items.map(({ traceId }) => traceId)).toEqual([ORDER, undefined, undefined, undefined]);
});

test('a span that is sent again is there once, and the list has the newest trace first', async () => {
  const made = begin();
  made.recording.addSpans(PATH);
  made.recording.addSpans(PATH);
  made.recording.addSpans([spanOf({ traceId: 'cc'.repeat(16), service: 'other', name: 'poll' })]);
  await made.recording.flush();
  const { items } = await made.recording.traces();
  expect(items).toMatchObject([
    { name: 'poll', services: ['other'], spans: 1, errors: 0 },
    { traceId: ORDER, name: 'createOrder', spans: 4, errors: 1, startedAt: NOW, durationMs: 52 },
    { traceId: BATCH, name: 'notify' },
  ]);
  const first = await made.recording.traces({ limit: 2 });
  const second = await made.recording.traces({ limit: 2, cursor: first.next });
  expect([...first.items, ...second.items]).toEqual(items);
  expect(second.next).toBeUndefined();
  const some = async (query: object) =>
    (await made.recording.traces(query)).items.map(({ name }) => name);
  expect(await some({ service: 'other' })).toEqual(['poll']);
  expect(await some({ status: 'error' })).toEqual(['createOrder']);
});

test('the parents of hostile spans may form a circle, and a trace may have more spans than are shown', async () => {
  const made = begin();
  const id = (index: number) => index.toString(16).padStart(16, '0');
  const spans = Array.from({ length: 1_500 }, (_, index) =>
    spanOf({
      spanId: id(index + 1),
      parentId: id(((index + 1) % 1_500) + 1),
      attributes: index === 0 ? { 'faas.invocation_id': 'request-1' } : {},
      links: [{ traceId: ORDER, spanId: id(index + 1) }],
    }),
  );
  invoke(made, 'invocation-1', [sent(1)], 'request-1');
  made.recording.addSpans(spans);
  await made.recording.flush();
  const shown = await made.recording.spansOf('invocation-1');
  expect([shown.spans.length, shown.isCut]).toEqual([1_000, true]);
  const trace = await made.recording.trace(ORDER);
  expect([trace?.spans.length, trace?.isCut]).toEqual([1_000, true]);
});

const SECRET = 'jane@example.com';

test('private values are in no span of the store: by path, by header, by pattern, and those of records', async () => {
  const made = begin({
    private: ['$.contact', '$..phone', 'authorization', '/\\+\\d{5,}/'],
  });
  const dialled = 491_712_345_678;
  invoke(made, 'invocation-1', [sent(1, JSON.stringify({ contact: SECRET, phone: dialled }))]);
  await made.recording.flush();
  made.recording.addSpans([
    spanOf({
      name: `mail to ${SECRET}`,
      message: 'no +491234567',
      attributes: {
        contact: 'a private one',
        'order.contact': { street: 'Private Road' },
        'user.phone': '0815-private',
        'http.request.header.authorization': 'private-token',
        body: '{"contact":"private-json"}',
        list: [`x ${SECRET}`, 7],
        dialled,
        longer: dialled * 10,
        kept: 'visible',
      },
      events: [{ at: NOW, name: 'sent', attributes: { to: SECRET } }],
    }),
  ]);
  await made.recording.flush();
  const trace = await made.recording.trace(ORDER);
  expect(trace?.spans).toMatchObject([
    {
      name: 'mail to [private]',
      message: 'no [private]',
      attributes: {
        contact: '[private]',
        'order.contact': '[private]',
        'user.phone': '[private]',
        'http.request.header.authorization': '[private]',
        body: '{"contact":"[private]"}',
        list: ['x [private]', 7],
        dialled: '[private]',
        longer: dialled * 10,
        kept: 'visible',
      },
      events: [{ attributes: { to: '[private]' } }],
    },
  ]);
  for (const { bytes } of storeFiles(made.folder)) {
    const text = bytes.toString('latin1');
    for (const secret of [
      SECRET,
      'a private one',
      'Private Road',
      '0815-private',
      'private-token',
      'private-json',
      '491234567',
    ]) {
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
    }
  }
});

test('an export has the spans of its records, without what is private now', async () => {
  const made = begin();
  const { folder } = made;
  invoke(made, 'invocation-1', [sent(1, JSON.stringify({ contact: SECRET }))], 'request-1');
  made.recording.addSpans([
    ...PATH,
    spanOf({ spanId: 'aa'.repeat(8), name: `to ${SECRET}`, attributes: { contact: 'Jane' } }),
  ]);
  await made.recording.close();
  const file = join(folder, 'record.sqlite');
  const about = { service: 'shop', stage: 'dev', exportedAt: 1, mappings: [] };
  const write = (more: { functionKey?: string; private?: string[] }) =>
    exportStore({ folder, stage: 'dev', file, about, private: [], ...more });
  write({ private: ['$.contact'] });
  {
    using found = openExport(file);
    const trace = found.reader.trace(ORDER);
    expect(names(trace?.spans ?? [])).toContain('to [private]');
    expect(JSON.stringify(trace)).not.toMatch(/jane/i);
    expect(names(found.reader.spansOf('invocation-1').spans)).toContain('notify');
  }
  write({ functionKey: 'another' });
  {
    using found = openExport(file);
    expect(found.reader.traces().items).toEqual([]);
  }
  write({ private: ['traceparent'] });
  using found = openExport(file);
  expect(found.reader.records().items.map(({ traceId }) => traceId)).toEqual([undefined]);
});

test('spans take a fifth of the store at most, and go when they are too old', async () => {
  const made = begin({ maxMegabytes: 4 });
  invoke(made, 'invocation-1', [sent(1)]);
  for (let round = 0; round < 40; round += 1) {
    const spans = Array.from({ length: 100 }, (_, index) =>
      spanOf({
        spanId: (round * 100 + index + 1).toString(16).padStart(16, '0'),
        attributes: { text: 'x'.repeat(1_000) },
        links: [{ traceId: BATCH, spanId: NOTIFY }],
      }),
    );
    expect(made.recording.addSpans(spans)).toBe(true);
  }
  await made.recording.flush();
  await made.recording.close();
  const again = begin({ folder: made.folder, maxMegabytes: 4 });
  await again.recording.flush();
  const stored = (sql: string) => {
    const db = new DatabaseSync(join(made.folder, '.kafka-event-source/dev.sqlite'));
    try {
      return Object.values(db.prepare(sql).get() ?? {})[0] as number;
    } finally {
      db.close();
    }
  };
  await until(
    'their share',
    () => stored('SELECT sum(size) FROM trace_span') <= 0.2 * 4 * 1024 * 1024 || undefined,
  );
  expect(stored('SELECT count(*) FROM trace_span')).toBeGreaterThan(100);
  expect(stored('SELECT count(*) FROM trace_link')).toBe(stored('SELECT count(*) FROM trace_span'));
  // The newest ones are left, and no record went for them.
  expect(stored('SELECT max(id) FROM trace_span')).toBe(4_000);
  expect(stored('SELECT count(*) FROM record')).toBe(1);
  await again.recording.close();
  const old = begin({ folder: made.folder, maxDays: 0 });
  await old.recording.flush();
  await until('their end', () => stored('SELECT count(*) FROM trace_span') === 0 || undefined);
});

test('a flood of spans is refused, and pushes out nothing else', () => {
  const outbox = new Outbox(
    1e9,
    () => undefined,
    () => undefined,
  );
  outbox.add({ op: 'counted', mapping: 'one', count: 1 });
  const op = { op: 'traced', json: '[]' } as const;
  const taken = Array.from({ length: 100 }, () => outbox.addSpans(op, 1024 * 1024));
  expect(taken.filter(Boolean)).toHaveLength(16);
  expect(outbox.take(false)).toEqual([{ op: 'counted', mapping: 'one', count: 1 }]);
  expect(outbox.isEmpty).toBe(false);
  for (let round = 0; round < 10; round += 1) outbox.take(false, true);
  expect(outbox.isEmpty).toBe(true);
  expect(outbox.addSpans(op, 1)).toBe(true);
});
