import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, test } from '@jest/globals';
import { toEventRecord } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { OnStep } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import type { BufferedRecord } from '../record.ts';
import {
  bufferedRecord,
  payloadOf,
  recorder,
  sentOf,
  startHere,
  storeFiles,
  TOPIC,
  UUID,
} from '../test/support/recorded.ts';
import type { Recording } from './recording.ts';
import type { RecorderChange } from './types.ts';

const open: { recording: Recording; folder: string }[] = [];

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

const OK: InvocationResult = { kind: 'ok', payload: null };
const THROWN: InvocationResult = {
  kind: 'functionError',
  message: 'Unhandled: boom',
  body: '{"errorMessage":"boom","stackTrace":["at handler.ts:1"]}',
};

interface Driven {
  readonly onStep: OnStep;
  readonly mapping: Mapping;
}

let last = 0;

/** Invokes with the records, as a poller does. @returns the id of the invocation */
function invoke(
  { onStep, mapping }: Driven,
  records: readonly BufferedRecord[],
  result: InvocationResult | undefined,
  failed: readonly BufferedRecord[] = result?.kind === 'ok' ? [] : records,
  attempt = 1,
): string {
  last += 1;
  const id = `invocation-${last}`;
  const batch = [{ partition: 0, records }];
  onStep({ kind: 'invoked', id, batch, attempt, payload: sentOf(records, mapping) });
  if (result) {
    const reason =
      failed.length === 0 ? undefined : 'message' in result ? result.message : 'reported';
    const rest = failed.length > 0 ? [{ partition: 0, records: failed }] : [];
    onStep({ kind: 'answered', id, result, failed: rest, reason });
  }
  return id;
}

const idOf = (offset: number) => ({
  mapping: UUID,
  topic: TOPIC,
  partition: 0,
  offset: String(offset),
});
const kinds = (life: { events: readonly { kind: string }[] } | undefined) =>
  life?.events.map(({ kind }) => kind);

test("a record's life has each attempt with its error, the bisection, the commit and the drop", async () => {
  const made = begin();
  const { recording, onStep } = made;
  const records = [0, 1, 2, 3].map((offset) => bufferedRecord(offset, `{"n":${offset}}`));
  const [half, rest] = [records.slice(0, 2), records.slice(2)];
  onStep({ kind: 'read', partition: 0, records });
  const first = invoke(made, records, THROWN);
  const batch = [{ partition: 0, records }];
  onStep({ kind: 'bisected', batch, reason: 'Unhandled: boom', delayMs: 5 });
  await recording.flush();
  invoke(made, half, OK, [], 2);
  onStep({ kind: 'committed', partition: 0, next: 2 });
  invoke(made, rest, THROWN, rest, 2);
  const dropped = { destination: undefined, condition: 'RetriesExhausted', reason: 'boom' };
  onStep({ kind: 'dropped', batch: [{ partition: 0, records: rest }], ...dropped });
  await recording.flush();

  const good = await recording.record(idOf(1));
  expect(good).toMatchObject({ state: 'done', attempts: 2, topicId: 'first', functionKey: 'test' });
  expect(kinds(good)?.toSorted()).toEqual(
    [
      ...['read', 'batched', 'invoked', 'failed', 'bisected'],
      ...['batched', 'invoked', 'answered', 'committed'],
    ].toSorted(),
  );
  expect(good?.events.find(({ kind }) => kind === 'failed')).toMatchObject({
    invocation: first,
    text: expect.stringContaining('boom'),
  });
  const bad = await recording.record(idOf(3));
  expect(bad).toMatchObject({ state: 'dropped', attempts: 2 });
  expect(bad?.why).toBe('Dropped, RetriesExhausted; no destination is set: boom.');
  expect(kinds(bad)).not.toContain('committed');
  expect(await recording.invocation(first)).toMatchObject({
    state: 'failed',
    error: 'Unhandled: boom',
    answer: THROWN.kind === 'functionError' ? THROWN.body : '',
    records: 4,
  });
});

test('a payload that the endpoint refuses as too large is no attempt', async () => {
  const driven = begin();
  const refused = { kind: 'tooLarge', message: 'status 413: too large' } as const;
  const first = bufferedRecord(0, 'x');
  const id = invoke(driven, [first, bufferedRecord(1, 'y')], refused);
  invoke(driven, [first], OK);
  await driven.recording.flush();
  expect((await driven.recording.invocation(id))?.state).toBe('notReached');
  expect(await driven.recording.record(idOf(0))).toMatchObject({ state: 'done', attempts: 1 });
  expect(await driven.recording.record(idOf(1))).toMatchObject({ state: 'retrying', attempts: 0 });
});

test('the payload of an invocation is what the function got, byte for byte', async () => {
  const made = begin();
  const headers = [
    { key: 'a', value: Buffer.from([0, 255]) },
    { key: 'a', value: Buffer.from('') },
  ];
  const records = [
    bufferedRecord(5, null, { key: Buffer.from('only a key') }),
    bufferedRecord(6, Buffer.from([0, 159, 146, 150]), { headers: headers as never }),
    bufferedRecord(9, '<script>alert(1)</script>', { attributes: 8 }),
    // Some producers give nanoseconds.
    bufferedRecord(10, 'late', { timestamp: '1764288000000000000' }),
    bufferedRecord(11, 'latest', { timestamp: '9223372036854775807' }),
    bufferedRecord(2 ** 40, '{"a":1.50}', { timestamp: '-1' }),
  ];
  const id = invoke(made, records, OK);
  await made.recording.flush();
  const invocation = await made.recording.invocation(id);
  expect(invocation?.payload).toBe(payloadOf(records, made.mapping));
  expect(invocation?.recordIds.map(({ offset }) => offset)).toEqual([
    ...['5', '6', '9', '10', '11'],
    String(2 ** 40),
  ]);
  expect(invocation?.logs).toBe('not available from this endpoint');
});

test('the payload of a large invocation is what the function got, too', async () => {
  const made = begin();
  const headers = { Größe: Buffer.from('groß') };
  const records = Array.from({ length: 500 }, (_, offset) =>
    bufferedRecord(offset, 'x'.repeat(200), { headers }),
  );
  const id = invoke(made, records, OK);
  await made.recording.flush();
  expect((await made.recording.invocation(id))?.payload).toBe(payloadOf(records, made.mapping));
});

test('each record of a batch has the time of its own reading', async () => {
  const made = begin();
  const origin = performance.timeOrigin;
  const arrived = [-9_000, -9_000, -4_000].map((ms) => ms - 1_000);
  const records = arrived.map((at, offset) => ({ ...bufferedRecord(offset, 'a'), arrived: at }));
  invoke(made, records, OK);
  invoke(made, [{ ...bufferedRecord(7, 'b'), arrived: -2_000 }], THROWN);
  await made.recording.flush();
  const seen = [0, 1, 2, 7].map(
    async (offset) => (await made.recording.record(idOf(offset)))?.seenAt,
  );
  const wanted = [...arrived, -2_000].map((at) => Math.round(origin + at));
  expect(await Promise.all(seen)).toEqual(wanted);
});

test('of a batch with reported records, only those are not done', async () => {
  const made = begin();
  const records = [1, 2, 3].map((offset) => bufferedRecord(offset, 'x'));
  const reported = records.filter(({ offset }) => offset !== 2);
  const payload = { batchItemFailures: ['…'] };
  const id = invoke(made, records, { kind: 'ok', payload }, reported);
  const batch = [{ partition: 0, records: reported }];
  made.onStep({ kind: 'retried', batch, reason: 'reported', delayMs: 500 });
  await made.recording.flush();
  const { items } = await made.recording.records();
  expect(items.map(({ offset, state }) => [offset, state])).toEqual([
    ['3', 'reportedFailed'],
    ['2', 'done'],
    ['1', 'reportedFailed'],
  ]);
  expect(await made.recording.invocation(id)).toMatchObject({
    state: 'partial',
    answer: JSON.stringify(payload),
  });
  // The record between two of them is in no other invocation.
  invoke(made, reported, OK, [], 2);
  await made.recording.flush();
  const attempts = (await made.recording.record(idOf(2)))?.events.filter(
    ({ kind }) => kind === 'invoked',
  );
  expect(attempts).toHaveLength(1);
  expect(await made.recording.record(idOf(3))).toMatchObject({ state: 'done', attempts: 2 });
});

test.each([false, true])(
  'invocations that did not reach the function are no attempts (stored before the answer: %s)',
  async (isStored) => {
    const made = begin();
    const records = [1, 2].map((offset) => bufferedRecord(offset, 'x'));
    const batch = [{ partition: 0, records }];
    const message = 'status 429, TooManyRequestsException';
    for (let count = 0; count < 2; count += 1) {
      const id = invoke(made, records, undefined);
      if (isStored) await made.recording.flush();
      const result = { kind: 'notReached', message } as const;
      made.onStep({ kind: 'answered', id, result, failed: batch, reason: message });
      made.onStep({ kind: 'throttled', batch, reason: message });
    }
    await made.recording.flush();
    expect(await made.recording.record(idOf(1))).toMatchObject({ state: 'waiting', attempts: 0 });
    invoke(made, records, THROWN);
    await made.recording.flush();
    expect(await made.recording.record(idOf(2))).toMatchObject({ attempts: 1 });
  },
);

test('a record that is filtered out names the pattern and the field', async () => {
  const made = begin({}, { filters: ['{"value":{"kind":["placed"]},"key":["x"]}'] });
  const message = { key: Buffer.from('x'), value: Buffer.from('{"kind":"moved"}') };
  const record = toEventRecord(TOPIC, 0, { ...message, offset: '4', timestamp: '1' });
  made.onStep({ kind: 'filteredOut', partition: 0, records: [{ record, compared: message }] });
  await made.recording.flush();
  expect(await made.recording.record(idOf(4))).toMatchObject({
    state: 'filteredOut',
    why: 'The pattern {"value":{"kind":["placed"]},"key":["x"]} does not match: value.kind is "moved".',
  });
});

test('a waiting record says for which one it waits', async () => {
  const made = begin();
  const records = [1, 2].map((offset) => bufferedRecord(offset, 'x'));
  made.onStep({ kind: 'read', partition: 0, records });
  await made.recording.flush();
  expect((await made.recording.record(idOf(1)))?.why).toContain('the end of the window');
  const running = invoke(made, records.slice(0, 1), undefined);
  await made.recording.flush();
  expect(await made.recording.record(idOf(1))).toMatchObject({ state: 'inFlight', attempts: 1 });
  expect((await made.recording.record(idOf(2)))?.why).toContain(
    'waits for the invocation with offset 1',
  );
  const answered = { kind: 'answered', id: running, result: THROWN } as const;
  const batch = [{ partition: 0, records: records.slice(0, 1) }];
  made.onStep({ ...answered, failed: batch, reason: THROWN.message });
  made.onStep({ kind: 'retried', batch, reason: THROWN.message, delayMs: 500 });
  await made.recording.flush();
  expect((await made.recording.record(idOf(2)))?.why).toMatch(/behind offset 1 .* boom/);
});

test('sent, refused and expired records keep their reasons', async () => {
  const made = begin();
  const one = (offset: number) => [{ partition: 0, records: [bufferedRecord(offset, 'x')] }];
  const to = { destination: 'kafka://dlq', condition: 'RetriesExhausted', reason: 'boom' };
  made.onStep({ kind: 'sent', batch: one(1), ...to });
  made.onStep({ kind: 'refused', batch: one(2), ...to, reason: 'no such topic' });
  made.onStep({
    kind: 'dropped',
    batch: one(3),
    destination: undefined,
    condition: 'RecordAgeExceeded',
    reason: 'older than 60 s',
  });
  await made.recording.flush();
  const { items } = await made.recording.records();
  expect(items.map(({ state, reason }) => [state, reason])).toEqual([
    ['expired', 'Dropped, RecordAgeExceeded; no destination is set: older than 60 s.'],
    ['retrying', 'kafka://dlq did not take it, and gets it again: no such topic.'],
    ['deadLettered', 'Sent to kafka://dlq, RetriesExhausted: boom.'],
  ]);
});

test('log lines stand in their invocation, also those after its answer', async () => {
  const made = begin();
  const id = invoke(made, [bufferedRecord(1, 'x')], undefined);
  made.recording.began({ invocation: id, requestId: 'request-1', isCold: true });
  made.recording.captures(id);
  made.recording.logged(id, 1, 'first');
  await made.recording.flush();
  made.recording.logged(id, 2, 'second');
  made.onStep({ kind: 'answered', id, result: OK, failed: [], reason: undefined });
  await made.recording.flush();
  made.recording.logged(id, 3, 'late');
  await made.recording.flush();
  const found = await made.recording.invocation('request-1');
  expect(found).toMatchObject({ id, requestId: 'request-1', coldStart: true, state: 'succeeded' });
  expect(found?.logs).toEqual([
    { at: 1, line: 'first' },
    { at: 2, line: 'second' },
    { at: 3, line: 'late' },
  ]);
});

test('the tail of the log that an endpoint sends stands in the invocation', async () => {
  const made = begin();
  const logTail = 'START RequestId: 1\nhello\nEND RequestId: 1\n';
  const id = invoke(made, [bufferedRecord(1, 'x')], { ...OK, requestId: 'aws-1', logTail });
  await made.recording.flush();
  expect(await made.recording.invocation(id)).toMatchObject({
    requestId: 'aws-1',
    logs: [{ line: 'START RequestId: 1' }, { line: 'hello' }, { line: 'END RequestId: 1' }],
  });
});

test('a run by hand names the run that it repeats, and leaves its record as it is', async () => {
  const made = begin();
  const first = invoke(made, [bufferedRecord(1, 'x')], OK);
  const again = made.recording.ranAgain({
    mapping: UUID,
    functionKey: 'test',
    payload: '{"edited":true}',
    originalId: first,
    records: [idOf(1)],
  });
  again.end(THROWN);
  await made.recording.flush();
  expect(await made.recording.invocation(again.id)).toMatchObject({
    originalId: first,
    state: 'failed',
    payload: '{"edited":true}',
  });
  const life = await made.recording.record(idOf(1));
  expect(life).toMatchObject({ state: 'done', attempts: 1 });
  expect(kinds(life)).toContain('ranAgain');
  const { items } = await made.recording.invocations({ originalId: first });
  expect(items.map(({ id }) => id)).toEqual([again.id]);
});

describe('queries', () => {
  test('find records by key, text, header, state, place and time, in pages', async () => {
    const made = begin();
    const records = Array.from({ length: 120 }, (_, offset) =>
      bufferedRecord(offset, `{"order":"o-${offset}"}`, {
        key: Buffer.from(`key-${offset % 3}`),
        headers: { trace: Buffer.from(`t-${offset % 2}`) },
      }),
    );
    invoke(made, records.slice(0, 100), OK);
    invoke(made, records.slice(100), THROWN);
    await made.recording.flush();
    const { recording } = made;
    const first = await recording.records({ limit: 100 });
    const second = await recording.records({ limit: 100, cursor: first.next });
    expect([first.items.length, second.items.length, second.next]).toEqual([100, 20, undefined]);
    expect(new Set([...first.items, ...second.items].map(({ offset }) => offset)).size).toBe(120);
    expect(first.items[0]?.offset).toBe('119');
    const count = async (query: Parameters<typeof recording.records>[0]) =>
      (await recording.records({ ...query, limit: 200 })).items.length;
    expect(await count({ key: 'key-1' })).toBe(40);
    expect(await count({ text: '"o-7' })).toBe(11);
    expect(await count({ header: 'trace' })).toBe(120);
    expect(await count({ header: 'trace=t-1' })).toBe(60);
    expect(await count({ state: 'retrying' })).toBe(20);
    expect(await count({ state: 'done', functionKey: 'test', topic: TOPIC })).toBe(100);
    expect(await count({ partition: 0, offset: '7' })).toBe(1);
    expect(await count({ mapping: 'other' })).toBe(0);
    expect(await count({ to: 1 })).toBe(0);
    expect(await count({ from: 1 })).toBe(120);
    expect(await recording.counts(UUID)).toMatchObject({ kept: { done: 100, retrying: 20 } });
    const invocations = await recording.invocations({ state: 'failed', limit: 1 });
    expect(invocations.items).toHaveLength(1);
    expect(invocations.next).toBeUndefined();
  });

  test.each([
    [{ limit: 0 }, /limit must be/],
    [{ offset: 'x' }, /x is no number/],
    [{ state: 'lost' as never }, /no state lost/],
  ])('%j is refused in words', async (query, words) => {
    const { recording } = begin();
    await expect(recording.records(query)).rejects.toThrow(words);
  });

  test('a topic that was made again has records of its own', async () => {
    const made = begin();
    invoke(made, [bufferedRecord(1, 'old')], OK);
    await made.recording.flush();
    made.onStep({ kind: 'topic', topicId: 'second' });
    invoke(made, [bufferedRecord(1, 'new')], OK);
    await made.recording.flush();
    expect((await made.recording.record(idOf(1)))?.valuePreview).toBe('new');
    const old = await made.recording.record({ ...idOf(1), topicId: 'first' });
    expect(old?.valuePreview).toBe('old');
  });
});

test('lists have the newest first, although what ends first is written first', async () => {
  const made = begin();
  const { recording, onStep } = made;
  const slow = { ...bufferedRecord(0, 'slow'), arrived: -2_000 };
  const quick = { ...bufferedRecord(1, 'quick'), arrived: -1_000 };
  onStep({ kind: 'read', partition: 0, records: [slow] });
  const first = invoke(made, [slow], undefined);
  const before = Date.now();
  while (Date.now() === before);
  onStep({ kind: 'read', partition: 0, records: [quick] });
  const second = invoke(made, [quick], OK);
  onStep({ kind: 'answered', id: first, result: OK, failed: [], reason: undefined });
  await recording.flush();
  const invocations = await recording.invocations({});
  expect(invocations.items.map(({ id }) => id)).toEqual([second, first]);
  const records = await recording.records({});
  expect(records.items.map(({ offset }) => offset)).toEqual(['1', '0']);
});

test('listeners hear of the newest changes', async () => {
  const made = begin();
  const changes: RecorderChange[] = [];
  const end = made.recording.onChange((change) => changes.push(change));
  const records = Array.from({ length: 60 }, (_, offset) => bufferedRecord(offset, 'x'));
  const id = invoke(made, records, OK);
  await made.recording.flush();
  expect(changes[0]?.invocations).toMatchObject([{ id, records: 60 }]);
  expect(changes[0]?.records).toHaveLength(50);
  expect(changes[0]?.records[0]).toMatchObject({ offset: '59', state: 'done' });
  expect(changes[0]?.more).toEqual({ records: 10, invocations: 0 });
  end();
});

test('listeners hear of each change, however soon it follows another one', async () => {
  const made = begin();
  const heard = new Set<string>();
  const end = made.recording.onChange(({ invocations }) => {
    for (const { id } of invocations) heard.add(id);
  });
  const ids: string[] = [];
  for (const offset of [1, 2, 3]) {
    ids.push(invoke(made, [bufferedRecord(offset, 'x')], OK));
    await made.recording.flush();
  }
  expect([...heard]).toEqual(ids);
  end();
});

test('the memory goes on over a restart, and invocations that were cut off say so', async () => {
  const first = begin();
  const done = invoke(first, [bufferedRecord(1, 'x')], OK);
  const cut = invoke(first, [bufferedRecord(2, 'y')], undefined);
  await first.recording.flush();
  await first.recording.close();
  const second = begin({ folder: first.folder });
  await second.recording.flush();
  expect((await second.recording.invocation(done))?.state).toBe('succeeded');
  expect((await second.recording.invocation(cut))?.state).toBe('interrupted');
});

test('a run that was killed is ended, though its process id is used again', async () => {
  const killed = begin();
  const cut = invoke(killed, [bufferedRecord(1, 'x')], undefined);
  await killed.recording.flush();
  // In a container each start may have the same process id.
  const db = new DatabaseSync(join(killed.folder, '.kafka-event-source', 'dev.sqlite'));
  const ended = db.prepare("UPDATE run SET start = 'before' WHERE pid = ? RETURNING id");
  expect(ended.all(process.pid)).toHaveLength(1);
  db.close();
  const second = begin({ folder: killed.folder });
  await second.recording.flush();
  expect((await second.recording.invocation(cut))?.state).toBe('interrupted');
});

test('an invocation of another process that runs is left running', async () => {
  const first = begin();
  const running = invoke(first, [bufferedRecord(1, 'x')], undefined);
  await first.recording.flush();
  const second = begin({ folder: first.folder });
  await second.recording.flush();
  expect((await second.recording.invocation(running))?.state).toBe('running');
});

test('a store of a newer version is left alone, and a message says so', async () => {
  const first = begin();
  await first.recording.flush();
  await first.recording.close();
  const file = join(first.folder, '.kafka-event-source', 'dev.sqlite');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  const second = begin({ folder: first.folder });
  invoke(second, [bufferedRecord(1, 'x')], OK);
  await second.recording.flush();
  expect(second.recording.problem).toContain('newer version');
  expect(second.warnings).toEqual([
    expect.stringContaining('Update this one, or delete the file.'),
  ]);
  await expect(second.recording.records()).rejects.toThrow(/newer version/);
});

test('the store of an older version is begun anew, and a message says so', async () => {
  const first = begin();
  invoke(first, [bufferedRecord(1, 'x')], OK);
  await first.recording.flush();
  await first.recording.close();
  const db = new DatabaseSync(join(first.folder, '.kafka-event-source', 'dev.sqlite'));
  db.exec('PRAGMA user_version = 1; DROP TABLE committed');
  db.close();
  const second = begin({ folder: first.folder });
  invoke(second, [bufferedRecord(2, 'y')], OK);
  await second.recording.flush();
  const { items } = await second.recording.records();
  expect(items.map(({ offset }) => offset)).toEqual(['2']);
  expect(first.warnings).toEqual([]);
  expect(second.warnings).toEqual([
    expect.stringMatching(/dev\.sqlite were deleted: an older version/),
  ]);
});

test('a warning about a flood names the function and the topic of the mapping', () => {
  const one = begin({}, { name: 'notify (orders)' });
  for (let offset = 0; offset < 12_000; offset += 1_000) {
    const records = Array.from({ length: 1_000 }, (_, index) =>
      bufferedRecord(offset + index, 'x'),
    );
    invoke(one, records, OK);
  }
  expect(one.warnings).toEqual([
    expect.stringContaining(
      `does not keep pace with the mapping notify (orders), UUID ${UUID}: it keeps`,
    ),
  ]);
});

test('a file that is no store stops nothing', async () => {
  const first = begin();
  await first.recording.close();
  rmSync(join(first.folder, '.kafka-event-source'), { recursive: true });
  const second = begin({ folder: '/dev/null' });
  await second.recording.flush();
  expect(second.recording.problem).toBeDefined();
  open.pop();
});

describe('private values', () => {
  const person = { email: 'reader@example.org', phone: '+15550123', city: 'NY' };
  const order = { id: 'o-1', contact: person, lines: [{ note: 'gift for "Ann"' }] };
  const entries = ['$.contact', '$.lines.note', 'authorization'];

  test('are in no file of the store: not in values, keys, headers, logs, answers or reasons', async () => {
    const made = begin({ private: entries });
    const record = bufferedRecord(1, JSON.stringify(order), {
      key: Buffer.from(person.email),
      headers: { Authorization: Buffer.from('Bearer secret-token') },
    });
    const id = invoke(made, [record], undefined);
    made.recording.captures(id);
    const event = payloadOf([record], made.mapping);
    for (const line of [
      `mail to ${person.email} in NY`,
      JSON.stringify({ order }),
      JSON.stringify({ text: JSON.stringify(order) }),
      event,
    ]) {
      made.recording.logged(id, 1, line);
    }
    const message = `Unhandled: cannot call ${person.phone}`;
    const result = { kind: 'functionError', message, body: JSON.stringify({ message }) } as const;
    const batch = [{ partition: 0, records: [record] }];
    made.onStep({ kind: 'answered', id, result, failed: batch, reason: message });
    made.onStep({ kind: 'retried', batch, reason: message, delayMs: 1 });
    for (const payload of [event, JSON.stringify({ contact: { email: 'other@example.org' } })]) {
      const again = { mapping: UUID, functionKey: 'test', payload, records: [] };
      made.recording.ranAgain(again).end({ kind: 'ok', payload: { contact: 'third@example.org' } });
    }
    made.recording.logged(id, 1, JSON.stringify({ level: 'INFO', contact: 'fourth@example.org' }));
    await made.recording.flush();

    const value = JSON.stringify(order);
    const base64 = Buffer.from(value).toString('base64');
    const headerBytes = JSON.stringify([...Buffer.from('Bearer secret-token')]);
    for (const { name, bytes } of storeFiles(made.folder)) {
      const others = ['other@', 'third@', 'fourth@'];
      for (const secret of [person.email, person.phone, 'gift for', 'secret-token', ...others]) {
        expect([name, secret, bytes.includes(secret)]).toEqual([name, secret, false]);
      }
      expect(bytes.includes(base64)).toBe(false);
      expect(bytes.includes(headerBytes)).toBe(false);
      // Two letters alone may stand in a checksum by chance, so here they are with the text before them.
      expect(/(in |city\\*":\\*")NY/.test(bytes.toString('latin1'))).toBe(false);
    }
    const invocation = await made.recording.invocation(id);
    expect(invocation?.redacted).toBe(true);
    expect(invocation?.error).toBe('Unhandled: cannot call [private]');
    const logs = invocation?.logs as { line: string }[];
    expect(logs[0]?.line).toBe('mail to [private] in [private]');
    const life = await made.recording.record(idOf(1));
    expect(life?.value?.redacted).toBe(true);
    expect(JSON.parse(Buffer.from(life?.value?.base64 ?? '', 'base64').toString())).toEqual({
      id: 'o-1',
      contact: '[private]',
      lines: [{ note: '[private]' }],
    });
  });

  test('of a decoded value are not in the reason why a pattern leaves the record out', async () => {
    const schemaRegistry = {
      uri: 'http://registry',
      eventRecordFormat: 'SOURCE',
      access: [],
      attributes: ['VALUE'],
    } as const;
    const filters = ['{"value":{"contact":{"email":["other@example.org"]}}}'];
    const made = begin({ private: entries }, { schemaRegistry, filters });
    const record = toEventRecord(TOPIC, 0, {
      key: null,
      value: Buffer.from([0, 1, 2]),
      timestamp: '1',
      offset: '5',
    });
    const compared = { key: null, value: Buffer.from(JSON.stringify(order)) };
    made.onStep({ kind: 'filteredOut', partition: 0, records: [{ record, compared }] });
    await made.recording.flush();
    expect((await made.recording.record(idOf(5)))?.reason).toContain('value.contact.email is');
    for (const { bytes } of storeFiles(made.folder)) {
      expect(bytes.includes('reader@exam')).toBe(false);
    }
  });

  test('of a value that is no JSON nothing is written, because nobody can find them in it', async () => {
    const made = begin({ private: entries });
    invoke(made, [bufferedRecord(1, '{"contact":"reader@exam')], OK);
    await made.recording.flush();
    for (const { bytes } of storeFiles(made.folder)) {
      expect(bytes.includes('reader@exam')).toBe(false);
    }
  });

  test('a record without private fields is kept byte for byte', async () => {
    const made = begin({ private: entries });
    const records = [bufferedRecord(1, '{"id": 1.50}')];
    const id = invoke(made, records, OK);
    await made.recording.flush();
    const invocation = await made.recording.invocation(id);
    expect(invocation?.payload).toBe(payloadOf(records, made.mapping));
    expect(invocation?.redacted).toBeUndefined();
  });
});
