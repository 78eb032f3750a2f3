/** Turns the steps of one mapping's records into operations for the store. */
import type { InvocationResult } from '../lambda/result.ts';
import type { OnStep, Some, Step } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import type { BufferedRecord } from '../record.ts';
import type { AnswerFacts, CallFacts, InvocationOp, Op, Ranges, Span } from './ops.ts';
import type { Outbox } from './outbox.ts';
import type { LogLine, RecordState } from './types.ts';

/** Records that wait longer than this in a partition that stands still are stored before they are delivered. */
const WAITING_MS = 300;
/** Invocations that last longer are stored before their end, too, which doubles their cost. */
const RUNNING_MS = 500;
/** Waiting records that are stored at a time. */
const AT_ONCE = 1_000;

interface Running {
  readonly op: InvocationOp;
  /** Undefined if the store has the records. */
  readonly payload: Buffer | undefined;
  readonly batch: readonly Some[];
  readonly startedAt: number;
  isTold: boolean;
}

interface Waiting {
  readonly records: readonly BufferedRecord[];
  /** The first one that is neither delivered nor stored. */
  from: number;
  readonly at: number;
}

export interface TrackOptions {
  readonly mapping: Mapping;
  readonly outbox: Outbox;
  /** The facts of calls that are under way or not stored, by the ids of their invocations. */
  readonly calls: Map<string, CallFacts>;
}

export class Track {
  /** The name of the mapping. */
  readonly name: string;
  readonly #options: TrackOptions;
  #topicId = '';
  readonly #running = new Map<string, Running>();
  /** By partition. */
  readonly #waiting = new Map<number, Waiting[]>();
  /** By partition: the time of its last delivery. */
  readonly #moved = new Map<number, number>();
  /** By partition: the store has its waiting records up to this offset. */
  readonly #told = new Map<number, number>();
  /** The records that the store has because they have failed, with their state. */
  readonly #failed = new WeakMap<BufferedRecord, RecordState>();

  constructor(options: TrackOptions) {
    this.#options = options;
    const { uuid, name, functionKey, topic, source, filters } = options.mapping;
    this.name = name;
    options.outbox.add({ op: 'mapping', uuid, name, functionKey, topic, source, filters });
  }

  readonly onStep: OnStep = (step) => {
    switch (step.kind) {
      case 'topic':
        this.#topicId = step.topicId ?? '';
        return;
      case 'read':
        return this.#read(step);
      case 'filteredOut':
        return this.#filteredOut(step);
      case 'revoked':
        return this.#revoked(step.partition);
      case 'invoked':
        return this.#invoked(step);
      case 'answered':
        return this.#answered(step);
      case 'committed':
        return this.#add({
          op: 'committed',
          at: Date.now(),
          partition: step.partition,
          next: step.next,
        });
      default:
        return this.#event(step);
    }
  };

  /** Stores the new log lines of invocations that are stored while they run. */
  tellLines(): void {
    const { calls } = this.#options;
    for (const { isTold, op } of this.#running.values()) {
      if (isTold) this.#addLines(op.id, calls.get(op.id));
    }
  }

  /** Stores what has lasted for a while. @param isAll whether to store all that is under way */
  tell(now: number, isAll = false): void {
    const { outbox } = this.#options;
    for (const running of this.#running.values()) {
      if (!running.isTold && (isAll || now - running.startedAt >= RUNNING_MS)) {
        running.isTold = true;
        const payload = running.payload?.toString();
        const { requestId, isCold } = running.op.call;
        outbox.add({ ...running.op, payload, call: { requestId, isCold } }, payload?.length);
      }
    }
    for (const [partition, list] of this.#waiting) {
      for (const one of list) {
        const moved = this.#moved.get(partition) ?? 0;
        if (!isAll && now - Math.max(one.at, moved) < WAITING_MS) break;
        const some = one.records.slice(one.from, one.from + AT_ONCE);
        if (some.length === 0) continue;
        one.from += some.length;
        this.#told.set(partition, some.at(-1)?.offset ?? -1);
        const json = jsonOf(some);
        this.#add(
          { op: 'records', at: one.at, state: 'waiting', json, count: some.length },
          json.length,
        );
        if (!isAll) break;
      }
      const left = list.filter(({ records, from }) => from < records.length);
      if (left.length > 0) this.#waiting.set(partition, left);
      else this.#waiting.delete(partition);
    }
  }

  #read({ partition, records }: Some): void {
    const list = this.#waiting.get(partition);
    const one = { records, from: 0, at: Date.now() };
    if (list) list.push(one);
    else this.#waiting.set(partition, [one]);
  }

  /** Waiting records up to this one are delivered from now on. */
  #delivered({ partition, records }: Some): void {
    const list = this.#waiting.get(partition);
    const last = records.at(-1)?.offset;
    this.#moved.set(partition, Date.now());
    if (!list || last === undefined) return;
    while (list[0] && (list[0].records.at(-1)?.offset ?? last) <= last) list.shift();
    const [first] = list;
    if (first) first.from = firstIndex(first.records, first.from, ({ offset }) => offset > last);
    else this.#waiting.delete(partition);
  }

  #filteredOut({ records }: Step & { kind: 'filteredOut' }): void {
    // In the format SOURCE the event has the bytes as they are, and patterns see the decoded ones.
    const isOther = this.#options.mapping.schemaRegistry?.eventRecordFormat === 'SOURCE';
    const base64 = (bytes: Buffer | null) => bytes?.toString('base64') ?? null;
    const json = JSON.stringify(records.map(({ record }) => record));
    this.#add(
      {
        op: 'records',
        at: Date.now(),
        state: 'filteredOut',
        json,
        count: records.length,
        ...(isOther && {
          compared: records.map(
            ({ compared: { key, value } }) => [base64(key), base64(value)] as const,
          ),
        }),
      },
      json.length,
    );
  }

  #revoked(partition: number): void {
    this.#waiting.delete(partition);
    const isTold = this.#told.delete(partition);
    if (isTold || this.#running.size > 0) this.#add({ op: 'revoked', at: Date.now(), partition });
  }

  #invoked({ id, batch, attempt, payload }: Step & { kind: 'invoked' }): void {
    const call: CallFacts = {};
    this.#options.calls.set(id, call);
    for (const some of batch) this.#delivered(some);
    const op: InvocationOp = {
      op: 'invocation',
      ...this.#where(),
      id,
      at: Date.now(),
      attempt,
      spans: batch.map(readSpanOf),
      call,
    };
    const told = { startedAt: op.at, isTold: false };
    const unknown = this.#isStored(batch) ? undefined : payload;
    this.#running.set(id, { op, payload: unknown, batch, ...told });
  }

  #answered({ id, result, failed, reason }: Step & { kind: 'answered' }): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    const { op, payload, batch, isTold } = running;
    const { outbox } = this.#options;
    const failedState = result.kind === 'ok' ? 'reportedFailed' : 'retrying';
    for (const { records } of failed) {
      for (const record of records) this.#failed.set(record, failedState);
    }
    const answer: AnswerFacts = {
      ...answerOf(result, op.at, reason, countOf(failed) < countOf(batch)),
      failed: failed.map(spanOf),
      failedState,
    };
    addTail(op.call, result);
    const payloadBytes = payload?.length ?? 0;
    const bytes = 1_000 + (answer.answer?.length ?? 0) + bytesOf(op.call.logs);
    if (isTold) outbox.add({ op: 'answer', id, answer, call: op.call }, bytes);
    else if (failed.length > 0 || payload === undefined) {
      outbox.add({ ...op, payload: payload?.toString(), answer }, bytes + payloadBytes);
    } else {
      outbox.addDone({
        op: { ...op, answer },
        // A slice of Node's pool of small buffers would keep the whole pool in memory.
        payload: payload.length < Buffer.poolSize ? payload.toString() : payload,
        records: countOf(batch),
        bytes: bytes + payloadBytes,
        isTold: batch.some(
          ({ partition, records }) =>
            (records[0]?.offset ?? 0) <= (this.#told.get(partition) ?? -1),
        ),
      });
    }
  }

  #event(step: Exclude<Step, { kind: Silent }>): void {
    const { batch } = step;
    const json = this.#isStored(batch)
      ? undefined
      : jsonOf(batch.flatMap(({ records }) => records));
    if (step.kind === 'sent' || step.kind === 'dropped' || step.kind === 'refused') {
      for (const some of batch) this.#delivered(some);
    }
    const known = batch[0]?.records[0] && this.#failed.get(batch[0].records[0]);
    this.#add(
      {
        op: 'event',
        at: Date.now(),
        ...EVENTS[step.kind](step as never, known),
        spans: batch.map(json === undefined ? spanOf : readSpanOf),
        json,
      },
      500 + (json?.length ?? 0),
    );
    for (const { records } of batch) {
      for (const record of records) this.#failed.set(record, known ?? 'retrying');
    }
  }

  #addLines(id: string, call: CallFacts | undefined): void {
    if (!call?.logs || call.logs.length === 0) return;
    const lines = call.logs;
    call.logs = [];
    this.#options.outbox.add({ op: 'logs', id, lines }, bytesOf(lines));
  }

  /** Whether the store has the records of a batch, which failed or not together. */
  #isStored(batch: readonly Some[]): boolean {
    const first = batch[0]?.records[0];
    return first !== undefined && this.#failed.has(first);
  }

  #add(op: Bare, bytes?: number): void {
    this.#options.outbox.add({ ...op, ...this.#where() } as Op, bytes);
  }

  #where() {
    return { mapping: this.#options.mapping.uuid, topicId: this.#topicId };
  }
}

type Silent = 'topic' | 'read' | 'filteredOut' | 'revoked' | 'invoked' | 'answered' | 'committed';
type Told = Extract<Op, { readonly topicId: string }>;
/** An operation without its mapping and topic. */
type Bare = Told extends infer T
  ? T extends unknown
    ? Omit<T, 'mapping' | 'topicId'>
    : never
  : never;
type EventFacts = Pick<Op & { op: 'event' }, 'kind' | 'text' | 'state' | 'detail'>;
type Describe<K> = (step: Extract<Step, { kind: K }>, known: RecordState | undefined) => EventFacts;

const sentence = (text: string) => `${text.replace(/[.\s]+$/, '')}.`;

const EVENTS = {
  retried: ({ reason, delayMs = 0 }, known = 'retrying') => ({
    kind: 'retried',
    state: known,
    text: sentence(`Tried again after ${delayMs} ms: ${reason}`),
    detail: { delayMs },
  }),
  bisected: ({ batch, reason, delayMs = 0 }) => ({
    kind: 'bisected',
    state: 'retrying',
    text: sentence(
      `Its batch of ${countOf(batch)} records was cut into two halves, which are tried again: ${reason}`,
    ),
    detail: { records: countOf(batch), delayMs },
  }),
  throttled: ({ reason }) => ({ kind: 'throttled', state: 'waiting', text: sentence(reason) }),
  stoodStill: ({ reason }) => ({
    kind: 'stoodStill',
    state: 'waiting',
    text: sentence(`Its partition stands still here, and there is no destination: ${reason}`),
  }),
  sent: ({ destination, condition, reason }) => ({
    kind: 'sentToDestination',
    state: 'deadLettered',
    text: sentence(`Sent to ${destination}, ${condition}: ${reason}`),
    detail: { destination, condition },
  }),
  refused: ({ destination, condition, reason }) => ({
    kind: 'destinationRefused',
    state: 'retrying',
    text: sentence(`${destination} did not take it, and gets it again: ${reason}`),
    detail: { destination, condition },
  }),
  dropped: ({ destination, condition, reason }) => ({
    kind: 'dropped',
    state: condition === 'RecordAgeExceeded' ? 'expired' : 'dropped',
    text: sentence(
      `Dropped, ${condition}${destination === undefined ? '; no destination is set' : ''}: ${reason}`,
    ),
    detail: { condition },
  }),
} satisfies { [K in Exclude<Step['kind'], Silent>]: Describe<K> };

function spanOf({ partition, records }: Some): Span {
  return { partition, count: records.length, ranges: rangesOf(records) };
}

/** @param records ascending by offset, each once */
export function rangesOf(records: readonly Pick<BufferedRecord, 'offset'>[]): Ranges {
  const [first, last] = [records[0]?.offset ?? 0, records.at(-1)?.offset ?? 0];
  if (last - first === records.length - 1) return [[first, last]];
  const ranges: [number, number][] = [];
  for (const { offset } of records) {
    const current = ranges.at(-1);
    if (current && offset === current[1] + 1) current[1] = offset;
    else ranges.push([offset, offset]);
  }
  return ranges;
}

function countOf(batch: readonly Some[]): number {
  return batch.reduce((sum, { records }) => sum + records.length, 0);
}

/** With the times at which its records were read, for records that may not be stored yet. */
function readSpanOf(some: Some): Span {
  const { records } = some;
  const seen: [offset: number, at: number][] = [];
  let index = 0;
  for (let first = records[0]; first; first = records[index]) {
    const { offset, arrived } = first;
    seen.push([offset, Math.min(Date.now(), Math.round(performance.timeOrigin + arrived))]);
    index = firstIndex(records, index, (record) => record.arrived > arrived);
  }
  return { ...spanOf(some), seen };
}

/**
 * The index of the first record that passes, by binary search; the number of records if none passes.
 *
 * @param from all records before it do not pass
 * @param passes true for all records after one that passes
 */
function firstIndex(
  records: readonly BufferedRecord[],
  from: number,
  passes: (record: BufferedRecord) => boolean,
): number {
  let [low, high] = [from, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle];
    if (record && passes(record)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function jsonOf(records: readonly BufferedRecord[]): string {
  return `[${records.map(({ json }) => json).join(',')}]`;
}

/**
 * The facts that the store has about a result.
 *
 * @param reason why some records are not done
 */
export function answerOf(
  result: InvocationResult,
  startedAt: number,
  reason: string | undefined,
  isSomeDone: boolean,
): Omit<AnswerFacts, 'failed' | 'failedState'> {
  const at = Date.now();
  const answer = result.kind === 'ok' ? textOf(result.payload) : bodyOf(result);
  return {
    at,
    durationMs: at - startedAt,
    state: stateOf(result, reason, isSomeDone),
    ...(reason !== undefined && { error: reason }),
    ...(answer !== undefined && { answer }),
  };
}

function stateOf(
  result: InvocationResult,
  reason: string | undefined,
  isSomeDone: boolean,
): AnswerFacts['state'] {
  if (result.kind === 'ok')
    return reason === undefined ? 'succeeded' : isSomeDone ? 'partial' : 'failed';
  const { message } = result;
  // AWS: a request that is too large is refused before the function. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
  if (result.kind === 'tooLarge') return 'notReached';
  if (result.kind === 'notReached') {
    return /status 429|throttl|TooManyRequests/i.test(message) ? 'throttled' : 'notReached';
  }
  return /timed? ?out|timeout|no answer from .* within/i.test(message) ? 'timedOut' : 'failed';
}

function bodyOf(result: InvocationResult): string | undefined {
  return result.kind === 'functionError' ? result.body : undefined;
}

function textOf(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload);
  } catch {
    // Nested too deeply.
    return undefined;
  }
}

/** The memory that log lines take, nearly. */
export function bytesOf(lines: readonly LogLine[] = []): number {
  return lines.reduce((sum, { line }) => sum + 100 + line.length, 0);
}

/** Takes over the endpoint's own request id and log lines. */
export function addTail(call: CallFacts, result: InvocationResult): void {
  if (result.kind !== 'ok' && result.kind !== 'functionError') return;
  call.requestId ??= result.requestId;
  if (result.logTail === undefined) return;
  const lines = result.logTail.split(/\r?\n/).filter((line) => line !== '');
  call.logs ??= lines.map((line) => ({ line }));
}
