/** The messages between the emulator's thread and the thread that writes the store. */
import type { EventSource } from '../event.ts';
import type {
  InvocationState,
  LifeEventKind,
  LogLine,
  RecorderChange,
  RecordState,
} from './types.ts';

/** Ascending ranges of offsets, both ends included. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** Records of one partition. */
export interface Span {
  readonly partition: number;
  readonly count: number;
  readonly ranges: Ranges;
  /** Each time (ms) of a reading, with the first offset read then; left out if the records are stored already. */
  readonly seen?: readonly (readonly [offset: number, at: number])[];
}

export interface MappingFacts {
  readonly uuid: string;
  readonly name: string;
  readonly functionKey: string;
  readonly topic: string;
  readonly source: EventSource;
  readonly filters: readonly string[];
}

/** The mapping, and the topic's id, which is '' as long as it is unknown. */
interface Where {
  readonly mapping: string;
  readonly topicId: string;
}

export interface AnswerFacts {
  readonly at: number;
  readonly durationMs: number;
  readonly state: Exclude<InvocationState, 'running' | 'interrupted'>;
  readonly error?: string | undefined;
  readonly answer?: string | undefined;
  /** The records that are not done, and their state. */
  readonly failed: readonly Span[];
  readonly failedState: RecordState;
}

export interface CallFacts {
  requestId?: string | undefined;
  isCold?: boolean | undefined;
  /** Undefined where the endpoint tells none. */
  logs?: LogLine[] | undefined;
}

export interface InvocationOp extends Where {
  readonly op: 'invocation';
  readonly id: string;
  readonly at: number;
  readonly attempt: number;
  readonly spans: readonly Span[];
  /** Whether the payload was given up, so that records that are not stored yet are only counted. */
  readonly isCollapsed?: true;
  /** The event; left out if its records are stored already. */
  readonly payload?: string | undefined;
  /** For a run by hand, whose event may be any. */
  readonly again?:
    | {
        readonly functionKey: string;
        readonly topic: string;
        readonly originalId: string | undefined;
      }
    | undefined;
  /** Left out while it runs. */
  answer?: AnswerFacts | undefined;
  readonly call: CallFacts;
}

export type Op =
  | ({ readonly op: 'mapping' } & MappingFacts)
  | ({
      readonly op: 'records';
      readonly at: number;
      readonly state: 'waiting' | 'filteredOut';
      /** JSON list of records in the form of the event. */
      readonly json: string;
      /** Key and value that filters were compared with, in base64, where the event has others. */
      readonly compared?: readonly (readonly [key: string | null, value: string | null])[];
      readonly count: number;
    } & Where)
  | InvocationOp
  | {
      readonly op: 'answer';
      readonly id: string;
      readonly answer: AnswerFacts;
      readonly call: CallFacts;
    }
  | ({
      readonly op: 'event';
      readonly at: number;
      readonly kind: LifeEventKind;
      readonly text: string;
      readonly spans: readonly Span[];
      /** The state of the records from now on; left out if it stays. */
      readonly state?: RecordState | undefined;
      readonly detail?: Readonly<Record<string, unknown>> | undefined;
      /** JSON list of the records, if they may not be stored yet. */
      readonly json?: string | undefined;
    } & Where)
  | ({
      readonly op: 'committed';
      readonly at: number;
      readonly partition: number;
      readonly next: number;
    } & Where)
  | ({ readonly op: 'revoked'; readonly at: number; readonly partition: number } & Where)
  | { readonly op: 'logs'; readonly id: string; readonly lines: readonly LogLine[] }
  /** Has a JSON list of `TraceSpan`s: passing a text on costs the emulator's thread less than passing objects. */
  | { readonly op: 'traced'; readonly json: string }
  | { readonly op: 'counted'; readonly mapping: string; readonly count: number };

export interface StoreOptions {
  readonly file: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** JSON paths, patterns of texts, and names of headers. */
  readonly private: readonly string[];
}

/** To the writing thread. */
export type ToWriter =
  | { readonly kind: 'write'; readonly ops: readonly Op[]; readonly isWatched: boolean }
  /** Asks for texts about records of a mapping without the private values of these. */
  | {
      readonly kind: 'hide';
      readonly id: number;
      readonly mapping: string;
      readonly texts: readonly string[];
    }
  | { readonly kind: 'close' };

/** From the writing thread. */
export type FromWriter =
  /** The store of an older version of the emulator was deleted, and a new one is made. */
  | { readonly kind: 'deleted' }
  | { readonly kind: 'opened' }
  /** Nothing can be stored; the sentence says why. */
  | { readonly kind: 'unusable'; readonly problem: string }
  | {
      readonly kind: 'written';
      /** The time that it took. */
      readonly ms: number;
      /** An error that lost these operations. */
      readonly problem?: string;
      readonly changed?: RecorderChange;
    }
  | { readonly kind: 'hidden'; readonly id: number; readonly texts: readonly string[] }
  | { readonly kind: 'closed' };
