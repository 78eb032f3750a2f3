/** A record in a buffer: its JSON, its size, and the offset to commit after it. */
export interface BufferedRecord {
  readonly offset: number;
  /** The offset to commit once this record and all before it are done. */
  readonly next: number;
  readonly json: string;
  readonly bytes: number;
  /** The time of arrival, by the monotonic clock like all times here except `timestamp`. */
  readonly arrived: number;
  /** The record's own timestamp, in milliseconds; -1 when it has none. */
  readonly timestamp: number;
  /** The reason why the record goes to the destination instead of the function. */
  readonly undeliverable?: SchemaFailure;
  /** The record's key in base64, if the event shows a decoded key. */
  readonly originalKey?: string;
}

/** The failure to decode a record: its schema is unknown, or the record cannot be read. */
export interface SchemaFailure {
  readonly condition: 'SCHEMA_NOT_FOUND' | 'DESERIALIZATION_ERROR';
  readonly message: string;
}
