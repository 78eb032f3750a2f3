/** Everything that has happened to records: their steps, and the invocations with them. */
import type { EventRecord } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Some, Step } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import type { Clock } from '../time.ts';
import type { Expected, Invocation, KafkaRecord, Place } from './types.ts';

interface Entry {
  readonly at: number;
  readonly mapping: Mapping;
  readonly step: Step;
}

const ENDS: Readonly<Record<string, Expected['end']>> = {
  filteredOut: 'filtered out',
  sent: 'sent',
  dropped: 'dropped',
};

interface Ending {
  readonly attempts: number;
  /** Undefined for a record that waits or is done, which the committed offset tells. */
  readonly end: Expected['end'] | undefined;
}

const NOT_ENDED: Ending = { attempts: 0, end: undefined };

export class Journal {
  readonly #clock: Clock;
  readonly #start: number;
  readonly #entries: Entry[] = [];
  readonly #invocations: Run[] = [];
  readonly #running = new Map<string, Run>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  add(mapping: Mapping, step: Step): void {
    this.#entries.push({ at: this.#clock.monotonic() - this.#start, mapping, step });
    if (step.kind === 'invoked') {
      const run = new Run(mapping, step, this.#clock.date());
      this.#invocations.push(run);
      this.#running.set(step.id, run);
    }
    if (step.kind === 'answered') this.running(step.id)?.fail(placesOf(mapping.topic, step.failed));
  }

  /** The invocation with the poller's id. */
  running(id: string): Run | undefined {
    return this.#running.get(id);
  }

  invocations(functionKey: string): readonly Invocation[] {
    return this.#invocations.filter((one) => one.functionKey === functionKey).map((one) => one.now);
  }

  /** How the records of a mapping have ended, and how often a handler got each, as a look-up by their places. */
  endings(mapping: Mapping): (place: Place) => Ending {
    const found = new Map<string, Ending>();
    for (const { mapping: own, step } of this.#entries) {
      if (own !== mapping) continue;
      for (const name of namesOf(step)) {
        const { attempts, end } = found.get(name) ?? NOT_ENDED;
        if (step.kind === 'invoked') found.set(name, { attempts: attempts + 1, end });
        // A record that is delivered again may end in another way.
        else if (step.kind === 'read') found.set(name, { attempts, end: undefined });
        else if (ENDS[step.kind]) found.set(name, { attempts, end: ENDS[step.kind] });
      }
    }
    return ({ partition, offset }) => found.get(nameOf(partition, offset)) ?? NOT_ENDED;
  }

  /** By partition, the first offset that the mapping's group has read. */
  firstOffsets({ groupId, topic }: Mapping): ReadonlyMap<number, number> {
    const first = new Map<number, number>();
    for (const { mapping, step } of this.#entries) {
      if (mapping.groupId !== groupId || mapping.topic !== topic) continue;
      for (const [partition, offset] of readBy(step)) {
        first.set(partition, Math.min(offset, first.get(partition) ?? offset));
      }
    }
    return first;
  }

  /** A line for each step of the record, up to the commit after it. */
  life({ topic, partition, offset }: Place): string {
    const committed = new Set<Mapping>();
    const lines = this.#entries
      .filter(({ mapping }) => mapping.topic === topic)
      .filter(({ step }) => isOf(step, partition, offset))
      .filter(({ mapping, step: { kind } }) => {
        if (kind === 'read') committed.delete(mapping);
        if (kind !== 'committed' && kind !== 'revoked') return true;
        const isOver = committed.has(mapping);
        if (kind === 'committed') committed.add(mapping);
        return !isOver;
      })
      .map(({ at, mapping, step }) => `  ${time(at)} ${mapping.functionKey}: ${textOf(step)}`);
    return [`${topic}-${partition} ${offset}`, ...(lines.length > 0 ? lines : ['  not read'])].join(
      '\n',
    );
  }
}

/** An invocation that has begun. */
class Run {
  readonly functionKey: string;
  readonly attempt: number;
  readonly startedAt: number;
  readonly #topic: string;
  readonly #payload: Buffer;
  readonly #batch: readonly Some[];
  #records: readonly KafkaRecord[] | undefined;
  #end: { readonly at: number; readonly result: InvocationResult } | undefined;
  #requestId: string | undefined;
  #failed: readonly Place[] = [];

  constructor(mapping: Mapping, step: Step & { kind: 'invoked' }, now: number) {
    this.functionKey = mapping.functionKey;
    this.attempt = step.attempt;
    this.startedAt = now;
    this.#topic = mapping.topic;
    this.#payload = step.payload;
    this.#batch = step.batch;
  }

  /** Names the call of the function. */
  call(requestId: string): void {
    this.#requestId = requestId;
  }

  end(at: number, result: InvocationResult): void {
    this.#end = { at, result };
  }

  fail(failed: readonly Place[]): void {
    this.#failed = failed;
  }

  get records(): readonly KafkaRecord[] {
    this.#records ??= this.#batch.flatMap(({ records }) =>
      records.map(({ json }) => toRecord(json)),
    );
    return this.#records;
  }

  get places(): readonly Place[] {
    return placesOf(this.#topic, this.#batch);
  }

  /** The invocation as it is now. Event and records are read when they are asked for. */
  get now(): Invocation {
    const { functionKey, attempt, startedAt } = this;
    const [requestId, failed] = [this.#requestId, this.#failed];
    const { at: endedAt, result } = this.#end ?? {};
    const [payload, records] = [this.#payload, () => this.records];
    return {
      functionKey,
      attempt,
      requestId,
      startedAt,
      endedAt,
      outcome: outcomeOf(result),
      answer: result?.kind === 'ok' ? result.payload : undefined,
      error: result && 'message' in result ? result.message : undefined,
      failed,
      get event(): unknown {
        return JSON.parse(payload.toString());
      },
      get records() {
        return records();
      },
    };
  }
}

function outcomeOf(result: InvocationResult | undefined): Invocation['outcome'] {
  if (!result) return 'running';
  if (result.kind === 'notReached') return 'throttled';
  return result.kind === 'ok' ? 'ok' : 'functionError';
}

function toRecord(json: string): KafkaRecord {
  const record = JSON.parse(json) as EventRecord;
  const { topic, partition, offset, timestamp } = record;
  return {
    topic,
    partition,
    offset,
    key: textOfBase64(record.key),
    value: textOfBase64(record.value),
    headers: record.headers.flatMap((header) =>
      Object.entries(header).map(([name, bytes]) => [name, Buffer.from(bytes).toString()] as const),
    ),
    timestamp,
  };
}

const textOfBase64 = (text: string | undefined) =>
  text === undefined ? null : Buffer.from(text, 'base64').toString();

/** The records that a step is about. */
function batchOf(step: Step): readonly Some[] {
  if (step.kind === 'read') return [step];
  if ('batch' in step) return step.batch;
  return step.kind === 'answered' ? step.failed : [];
}

const nameOf = (partition: number, offset: number) => `${partition}:${offset}`;

/** The records that a step is about, by their names. */
function namesOf(step: Step): string[] {
  if (step.kind === 'filteredOut') {
    return step.records.map(({ record }) => nameOf(step.partition, record.offset));
  }
  return batchOf(step).flatMap(({ partition, records }) =>
    records.map(({ offset }) => nameOf(partition, offset)),
  );
}

/** The partition and the offset of each record that a step has read. */
function readBy(step: Step): readonly (readonly [partition: number, offset: number])[] {
  if (step.kind === 'read') return step.records.map(({ offset }) => [step.partition, offset]);
  if (step.kind !== 'filteredOut') return [];
  return step.records.map(({ record }) => [step.partition, record.offset]);
}

function placesOf(topic: string, batch: readonly Some[]): Place[] {
  return batch.flatMap(({ partition, records }) =>
    records.map(({ offset }) => ({ topic, partition, offset })),
  );
}

function isOf(step: Step, partition: number, offset: number): boolean {
  if (step.kind === 'filteredOut') {
    return (
      step.partition === partition && step.records.some(({ record }) => record.offset === offset)
    );
  }
  if (step.kind === 'committed') return step.partition === partition && step.next > offset;
  if (step.kind === 'revoked') return step.partition === partition;
  return batchOf(step).some(
    (one) => one.partition === partition && one.records.some((record) => record.offset === offset),
  );
}

function textOf(step: Step): string {
  switch (step.kind) {
    case 'invoked':
      return `invoked with ${plural(
        step.batch.reduce((sum, { records }) => sum + records.length, 0),
        'record',
      )}, attempt ${step.attempt}`;
    case 'answered':
      return `failed: ${step.reason}`;
    case 'retried':
    case 'bisected':
    case 'throttled':
      return `${step.kind}${step.delayMs === undefined ? '' : ` after ${step.delayMs} ms`}: ${step.reason}`;
    case 'stoodStill':
      return `stands still: ${step.reason}`;
    case 'sent':
    case 'refused':
    case 'dropped':
      return `${step.kind}${step.destination === undefined ? '' : ` (${step.destination})`}, ${step.condition}: ${step.reason}`;
    case 'filteredOut':
      return 'filtered out: no pattern matches';
    case 'revoked':
      return 'its partition was revoked';
    case 'committed':
      return `committed up to ${step.next}`;
    default:
      return step.kind;
  }
}

function time(ms: number): string {
  return `+${(ms / 1000).toFixed(3)} s`;
}
