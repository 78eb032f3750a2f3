/** The W3C trace context of a record: https://www.w3.org/TR/trace-context/#traceparent-header */
import type { EventRecord } from '../event.ts';

const NAME = 'traceparent';
/** A version, a trace, its sender and flags; later versions may have more. */
const VALUE = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-.*)?$/;
const LONGEST = 200;

export interface Traceparent {
  readonly traceId: string;
  /** The span that has sent the record. */
  readonly spanId: string;
}

/** Undefined without a valid header. */
export function traceparentOf(headers: EventRecord['headers']): Traceparent | undefined {
  const bytes = headers.find((header) => Object.hasOwn(header, NAME))?.[NAME];
  if (!bytes || bytes.length > LONGEST) return undefined;
  const [, traceId, spanId] = VALUE.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  return traceId && spanId ? { traceId, spanId } : undefined;
}
