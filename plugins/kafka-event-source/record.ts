/** A record waiting to be delivered: its JSON, its size, and where a commit after it stands. */
export interface BufferedRecord {
  readonly offset: number;
  /** What is committed once this record and all before it are done. */
  readonly next: number;
  readonly json: string;
  readonly bytes: number;
  /** On the clock that is never set, as are all times here but the next. */
  readonly arrived: number;
  /** The record's own, in milliseconds; -1 when it has none. */
  readonly timestamp: number;
  /** Why it cannot be delivered: it goes to the destination instead. */
  readonly undeliverable?: SchemaFailure;
  /** The record's key in base64, where the event does not show it as it is. */
  readonly originalKey?: string;
}

/** What a schema registry makes of a record that it does not know or cannot read. */
export interface SchemaFailure {
  readonly condition: 'SCHEMA_NOT_FOUND' | 'DESERIALIZATION_ERROR';
  readonly message: string;
}
