import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The W3C `traceparent` under which a request goes on: the caller's trace when it sent a valid
 * header, else a new one, and in both cases a span of our own (https://www.w3.org/TR/trace-context/).
 */
export function continueTrace(received: string | undefined): string {
  const { traceId = randomBytes(16).toString('hex'), flags = '01' } = partsOf(received) ?? {};
  return `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`;
}

/** The 32 hexadecimal digits that every log line of one trace shares. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return partsOf(traceparent)?.traceId;
}

/** The fields of a `traceparent`; undefined for any other text. */
export function partsOf(traceparent: string | undefined) {
  if (!traceparent || !TRACEPARENT.test(traceparent)) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return { traceId, spanId, flags };
}
