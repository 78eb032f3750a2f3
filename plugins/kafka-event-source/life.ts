/** The steps of a mapping's records, and the listener that is called with them. */
import type { EventRecord, Message } from './event.ts';
import type { InvocationResult } from './lambda/result.ts';
import type { BufferedRecord } from './record.ts';

/** Records of one partition, ascending by offset. */
export interface Some {
  readonly partition: number;
  readonly records: readonly BufferedRecord[];
}

/** A record that no filter pattern lets pass. */
export interface FilteredOut {
  readonly record: EventRecord;
  /** The key and the value that the patterns were compared with. */
  readonly compared: Pick<Message, 'key' | 'value'>;
}

export type Step =
  /** The topic has this id from now on. */
  | { readonly kind: 'topic'; readonly topicId: string | undefined }
  | ({ readonly kind: 'read' } & Some)
  | {
      readonly kind: 'filteredOut';
      readonly partition: number;
      readonly records: readonly FilteredOut[];
    }
  /** The buffer of the partition was thrown away. */
  | { readonly kind: 'revoked'; readonly partition: number }
  | {
      readonly kind: 'invoked';
      readonly id: string;
      readonly batch: readonly Some[];
      /** 1 for the first one. */
      readonly attempt: number;
      /** The event as JSON. */
      readonly payload: Buffer;
    }
  | {
      readonly kind: 'answered';
      readonly id: string;
      readonly result: InvocationResult;
      /** The records that are not done. */
      readonly failed: readonly Some[];
      readonly reason: string | undefined;
    }
  | {
      readonly kind: 'retried' | 'bisected' | 'throttled';
      readonly batch: readonly Some[];
      readonly reason: string;
      readonly delayMs?: number;
    }
  | { readonly kind: 'stoodStill'; readonly batch: readonly Some[]; readonly reason: string }
  | {
      readonly kind: 'sent' | 'refused' | 'dropped';
      readonly batch: readonly Some[];
      /** Undefined if the mapping has none. */
      readonly destination: string | undefined;
      readonly condition: string;
      readonly reason: string;
    }
  /** The group's committed offset. */
  | { readonly kind: 'committed'; readonly partition: number; readonly next: number };

/** Called with each step. It neither throws nor waits. */
export type OnStep = (step: Step) => void;
