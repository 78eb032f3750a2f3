import { expect, test } from '@jest/globals';
import { mappingOf } from '../test/support/mapping.ts';
import { bufferedRecord } from '../test/support/recorded.ts';
import type { CallFacts, InvocationOp, Op } from './ops.ts';
import { Outbox } from './outbox.ts';
import { Track } from './track.ts';

const MB = 1024 * 1024;
const PAYLOAD = { payload: Buffer.from('{}'), records: 1_000 };

function invocation(id: number, mapping = 'a'): InvocationOp {
  const spans = [{ partition: 0, count: 1_000, ranges: [[id * 1_000, id * 1_000 + 999]] as const }];
  const facts = { mapping, topicId: '', at: id, attempt: 1, call: {} };
  return { op: 'invocation', id: String(id), spans, ...facts };
}

function make() {
  const counted: string[] = [];
  const dropped: Op[] = [];
  const outbox = new Outbox(
    200 * MB,
    (mapping) => counted.push(mapping),
    (op) => dropped.push(op),
  );
  const addDone = (id: number, mapping = 'a', isTold = false) =>
    outbox.addDone({ op: invocation(id, mapping), ...PAYLOAD, bytes: 1_000, isTold });
  return { outbox, counted, dropped, addDone };
}

const idsOf = (ops: readonly Op[]) => ops.flatMap((op) => ('id' in op ? [op.id] : []));

test('of each mapping the newest 10 000 done records are kept, and older ones are counted', () => {
  const { outbox, counted, dropped, addDone } = make();
  for (let id = 0; id < 25; id += 1) addDone(id);
  addDone(25, 'b');
  const ops = outbox.take(true);
  expect(ops).toContainEqual({ op: 'counted', mapping: 'a', count: 15_000 });
  expect(idsOf(ops)).toEqual(Array.from({ length: 11 }, (_, index) => String(15 + index)));
  expect(counted).toHaveLength(15);
  expect(idsOf(dropped)).toHaveLength(15);
  expect(outbox.isEmpty).toBe(true);
});

test('records that the store has as waiting are done there, though they are only counted', () => {
  const { outbox, addDone } = make();
  addDone(0, 'a', true);
  for (let id = 1; id < 12; id += 1) addDone(id);
  const [first, ...others] = outbox.take(false);
  const counts = [first, ...others].filter((op) => op?.op === 'counted');
  expect(counts).toEqual([{ op: 'counted', mapping: 'a', count: 1_000 }]);
  expect([first, ...others]).toContainEqual({
    ...invocation(0),
    isCollapsed: true,
  });
});

test('what happened is handed over in its order, whatever its kind', () => {
  const { outbox, addDone } = make();
  const event = (at: number): Op => ({
    op: 'committed',
    mapping: 'a',
    topicId: '',
    at,
    partition: 0,
    next: at,
  });
  addDone(1);
  outbox.add(event(2));
  addDone(3);
  outbox.add(event(4));
  expect(outbox.take(true)).toMatchObject([{ at: 1 }, { at: 2 }, { at: 3 }, { at: 4 }]);
});

test('done records wait while the writer rests; the others do not', () => {
  const { outbox, addDone } = make();
  addDone(1);
  outbox.add({ op: 'logs', id: '1', lines: [] });
  expect(outbox.take(false)).toEqual([{ op: 'logs', id: '1', lines: [] }]);
  expect(outbox.hasDone).toBe(true);
  expect(idsOf(outbox.take(true))).toEqual(['1']);
});

test('done records of one mapping do not keep back those of another', () => {
  const { outbox } = make();
  for (const [id, mapping] of [...'aaabbb'].entries()) {
    const op = invocation(id, mapping);
    outbox.addDone({ op, ...PAYLOAD, bytes: 5 * MB, isTold: false });
  }
  const taken = Array.from({ length: 4 }, () => outbox.take(true));
  expect(taken.map(idsOf)).toEqual([['0'], ['3'], ['1'], ['4']]);
});

test('a writer that hangs costs a bounded amount of memory', () => {
  const { outbox, counted } = make();
  const records = {
    op: 'records',
    mapping: 'a',
    topicId: '',
    at: 1,
    json: '[]',
    count: 10,
  } as const;
  for (let index = 0; index < 200; index += 1) {
    outbox.add({ ...records, state: 'filteredOut' }, MB);
  }
  const handed: Op[] = [];
  while (!outbox.isEmpty) handed.push(...outbox.take(true));
  expect(handed.filter(({ op }) => op === 'records')).toHaveLength(128);
  expect(handed).toContainEqual({ op: 'counted', mapping: 'a', count: 720 });
  expect(counted).toHaveLength(72);
});

test.each([
  ['an invocation that has ended', true, 48],
  ['one that runs', false, 128],
])('log lines of %s cost a bounded amount of memory, too', (_, isEnded, megabytes) => {
  const { outbox } = make();
  const calls = new Map<string, CallFacts>();
  const track = new Track({ mapping: mappingOf('orders', []), outbox, calls });
  const line = 'x'.repeat(MB);
  for (let id = 0; id < 150; id += 1) {
    const batch = [{ partition: 0, records: [bufferedRecord(id, '{}')] }];
    track.onStep({
      kind: 'invoked',
      id: String(id),
      batch,
      attempt: 1,
      payload: Buffer.from('{}'),
    });
    if (!isEnded) track.tell(Date.now(), true);
    const call = calls.get(String(id));
    if (call) call.logs = [{ at: 0, line }];
    track.tellLines();
    const result = { kind: 'ok', payload: null } as const;
    if (isEnded)
      track.onStep({ kind: 'answered', id: String(id), result, failed: [], reason: undefined });
  }
  const ops: Op[] = [];
  while (!outbox.isEmpty) ops.push(...outbox.take(true));
  const kept = ops.flatMap((op) =>
    op.op === 'logs' ? op.lines : op.op === 'invocation' ? (op.call.logs ?? []) : [],
  );
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(megabytes);
});
