/** The recorder's answers: each record's life, each invocation, and the counts of a mapping. */
import type { InvocationResult } from '../lambda/result.ts';
import type { Privacy } from './privacy.ts';

/** The folder of the store, in the folder of the service. */
export const STORE_FOLDER = '.kafka-event-source';

/** One record in one mapping. A topic that is made again has another topicId. */
export interface RecordId {
  /** The mapping's UUID. */
  readonly mapping: string;
  readonly topic: string;
  /** Left out: the topic as it was seen last. */
  readonly topicId?: string | undefined;
  readonly partition: number;
  /** Decimal. */
  readonly offset: string;
}

export const RECORD_STATES = [
  'waiting',
  'inFlight',
  'retrying',
  'filteredOut',
  'done',
  /** The function's answer reported the record; it is tried again. */
  'reportedFailed',
  'deadLettered',
  'dropped',
  /** Dropped because it was too old. */
  'expired',
] as const;
export type RecordState = (typeof RECORD_STATES)[number];

export interface RecordSummary extends RecordId {
  readonly functionKey: string;
  /** The record's own timestamp in milliseconds; -1 when it has none. */
  readonly timestamp: number;
  /** Milliseconds since 1970. */
  readonly seenAt: number;
  /** The first characters, as text. */
  readonly keyPreview?: string | undefined;
  readonly valuePreview?: string | undefined;
  readonly state: RecordState;
  /** Invocations with the record that reached the function, as AWS counts them. */
  readonly attempts: number;
  /** Why it is in this state, in one sentence. */
  readonly reason?: string | undefined;
  /** The trace of its header `traceparent`: 32 hexadecimal digits. */
  readonly traceId?: string | undefined;
}

export type LifeEventKind =
  | 'read'
  | 'filteredOut'
  | 'batched'
  | 'invoked'
  | 'answered'
  | 'failed'
  | 'retried'
  | 'bisected'
  | 'throttled'
  | 'stoodStill'
  | 'committed'
  | 'sentToDestination'
  | 'destinationRefused'
  | 'dropped'
  | 'ranAgain';

export interface LifeEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: LifeEventKind;
  /** The id of the invocation that the event belongs to. */
  readonly invocation?: string | undefined;
  /** One sentence. */
  readonly text: string;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/** Bytes of a record, as the function receives them. */
export interface Bytes {
  readonly base64: string;
  readonly size: number;
  /** Whether private values were replaced, so that these are not the bytes in Kafka. */
  readonly redacted?: true | undefined;
}

export interface RecordLife extends RecordSummary {
  readonly key?: Bytes | undefined;
  readonly value?: Bytes | undefined;
  readonly headers: readonly (readonly [name: string, value: Bytes])[];
  /** The oldest one first. */
  readonly events: readonly LifeEvent[];
  /** Why no function got it, or why it waits. */
  readonly why?: string | undefined;
}

export const INVOCATION_STATES = [
  'running',
  'succeeded',
  /** The answer reported some of the records. */
  'partial',
  'failed',
  'timedOut',
  'throttled',
  /** The endpoint did not answer, or refused the invocation. */
  'notReached',
  /** The emulator ended before the answer. */
  'interrupted',
] as const;
export type InvocationState = (typeof INVOCATION_STATES)[number];

export interface InvocationSummary {
  /** The emulator's id for the invocation. */
  readonly id: string;
  /** The request id that the function saw, where the endpoint tells it. */
  readonly requestId?: string | undefined;
  readonly mapping: string;
  readonly functionKey: string;
  readonly startedAt: number;
  readonly durationMs?: number | undefined;
  /** The number of records. */
  readonly records: number;
  /** 1 for the first one. */
  readonly attempt: number;
  readonly state: InvocationState;
  readonly error?: string | undefined;
  readonly coldStart?: boolean | undefined;
  /** Set on a run made again: the invocation that it repeats. */
  readonly originalId?: string | undefined;
}

export interface LogLine {
  readonly at?: number | undefined;
  readonly line: string;
}

export const NO_LOGS = 'not available from this endpoint';

export interface Invocation extends InvocationSummary {
  /** The event as JSON; undefined if records of it are no longer kept. */
  readonly payload?: string | undefined;
  /** Whether private values were replaced in the payload. */
  readonly redacted?: true | undefined;
  /** The answer as JSON, or the error that the endpoint sent. */
  readonly answer?: string | undefined;
  readonly logs: readonly LogLine[] | typeof NO_LOGS;
  readonly recordIds: readonly RecordId[];
}

export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue>>;

/** In the order of OTLP's numbers. */
export const SPAN_KINDS = [
  'unspecified',
  'internal',
  'server',
  'client',
  'producer',
  'consumer',
] as const;

/** In the order of OTLP's numbers. */
export const SPAN_STATUSES = ['unset', 'ok', 'error'] as const;

/** A span of a trace, as an OpenTelemetry exporter has sent it. */
export interface TraceSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentId?: string | undefined;
  readonly service: string;
  readonly name: string;
  readonly kind: (typeof SPAN_KINDS)[number];
  /** Milliseconds since 1970, with microseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly status: (typeof SPAN_STATUSES)[number];
  /** Why the status is an error. */
  readonly message?: string | undefined;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly at: number;
    readonly name: string;
    readonly attributes: Attributes;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** A span with the invocation that it is part of, where that is known. */
export interface JoinedSpan extends TraceSpan {
  /** The emulator's id. */
  readonly invocation?: string | undefined;
}

/** Spans in the order of their starts. */
export interface Spans {
  readonly spans: readonly JoinedSpan[];
  /** Whether there are more. */
  readonly isCut?: true | undefined;
}

/** A record whose `traceparent` names the trace. */
export interface TraceRecord extends RecordSummary {
  /** The span that has sent it. */
  readonly parentId: string;
  /** The ids of its invocations. */
  readonly invocations: readonly string[];
}

export interface Trace extends Spans {
  readonly traceId: string;
  readonly records: readonly TraceRecord[];
  /** The invocations that got one of the records, or that have one of the spans. */
  readonly invocations: readonly InvocationSummary[];
}

export interface TraceSummary {
  readonly traceId: string;
  /** The name of its first span, which has no parent where that was sent. */
  readonly name: string;
  readonly services: readonly string[];
  readonly startedAt: number;
  readonly durationMs: number;
  readonly spans: number;
  /** The spans whose status is an error. */
  readonly errors: number;
}

export interface TraceQuery {
  readonly service?: string | undefined;
  /** Only traces with an error. */
  readonly status?: 'error' | undefined;
  /** 50 by default, 200 at most. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface Counts {
  /** The records that are kept, by state. */
  readonly kept: Readonly<Record<RecordState, number>>;
  /** Records that were done while the recorder could not keep pace: counted, and not kept. */
  readonly onlyCounted: number;
  /** Records that were removed because of the limits of size and age. */
  readonly removed: number;
}

export interface RecordQuery {
  readonly mapping?: string | undefined;
  readonly functionKey?: string | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly offset?: string | undefined;
  readonly state?: RecordState | undefined;
  /** The whole key, as text. */
  readonly key?: string | undefined;
  /** Text within the value. */
  readonly text?: string | undefined;
  /** A header's name, or `name=value`. */
  readonly header?: string | undefined;
  /** The time at which the record was read, in milliseconds; both ends included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** 50 by default, 200 at most. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface InvocationQuery {
  readonly mapping?: string | undefined;
  readonly functionKey?: string | undefined;
  readonly state?: InvocationState | undefined;
  readonly originalId?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next?: string | undefined;
}

/** Answers come from a thread of its own, so that no query holds the emulator up. Newest first. */
export interface RecorderReader {
  records(query?: RecordQuery): Promise<Page<RecordSummary>>;
  record(id: RecordId): Promise<RecordLife | undefined>;
  invocations(query?: InvocationQuery): Promise<Page<InvocationSummary>>;
  /** @param id the invocation's id, or the request id that the function saw */
  invocation(id: string): Promise<Invocation | undefined>;
  /** The traces with a span, the one with the newest span first. */
  traces(query?: TraceQuery): Promise<Page<TraceSummary>>;
  /** @param id 32 hexadecimal digits */
  trace(id: string): Promise<Trace | undefined>;
  /**
   * The spans of an invocation: those that name its request id, those that link to them, and all spans below.
   * If none names it, the spans of its records' traces that began while it ran.
   *
   * @param id as for `invocation`
   */
  spansOf(id: string): Promise<Spans>;
  /** @param mapping a UUID; all mappings if it is left out */
  counts(mapping?: string): Promise<Counts>;
}

/** The facts that an export has about itself. */
export interface About {
  readonly service: string;
  readonly stage: string;
  /** Milliseconds since 1970. */
  readonly exportedAt: number;
  readonly mappings: readonly {
    readonly uuid: string;
    readonly name: string;
    readonly functionKey: string;
    readonly topic: string;
    readonly groupId: string;
    /** AWS's names and values. */
    readonly settings: Readonly<Record<string, unknown>>;
  }[];
}

/** An export that was imported here. */
export interface Import extends About {
  /** Its name here. */
  readonly name: string;
}

/** The newest changes since the last call; the rest is only counted. */
export interface RecorderChange {
  readonly records: readonly RecordSummary[];
  readonly invocations: readonly InvocationSummary[];
  readonly more: { readonly records: number; readonly invocations: number };
  /** The ids of traces with new spans, 50 at most. */
  readonly traces: readonly string[];
}

/** A run by hand, which belongs to no poller and moves no offset. */
export interface RunAgain {
  readonly mapping: string;
  readonly functionKey: string;
  readonly payload: string;
  readonly originalId?: string | undefined;
  readonly records: readonly RecordId[];
}

export interface Recorder extends RecorderReader {
  /** The reason why nothing is recorded, such as a store of a newer version. */
  readonly problem: string | undefined;
  /** The settings for private values: answers do not show these values either. */
  readonly privacy: Privacy;
  /** Answers texts about records of a mapping, such as reasons, without the private values of these records. */
  hide(mapping: string, texts: readonly string[]): Promise<readonly string[]>;
  /** @returns ends the calls */
  onChange(listener: (change: RecorderChange) => void): () => void;
  /** Records an invocation by hand. `end` takes its result. */
  ranAgain(run: RunAgain): { readonly id: string; end(result: InvocationResult): void };
  /** Records received spans. @returns false if they are refused, because the recorder does not keep pace */
  addSpans(spans: readonly TraceSpan[]): boolean;
  /** Resolves when all that happened before is stored. */
  flush(): Promise<void>;
}
