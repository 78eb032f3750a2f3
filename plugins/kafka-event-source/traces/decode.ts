/** Reads the spans of a request, in whichever of OTLP's two encodings it came. */
import {
  type Attributes,
  type AttributeValue,
  SPAN_KINDS,
  SPAN_STATUSES,
  type TraceSpan,
} from '../recorder/types.ts';

export interface Decoded {
  readonly spans: readonly TraceSpan[];
  /** The spans that are refused. */
  readonly refused: number;
  /** Why the first of them is refused. */
  readonly reason?: string | undefined;
}

/** The request has another shape than OTLP's. */
export class ShapeError extends Error {}

/** Spans of one request; exporters send 512 at a time, and collectors 8 192. */
const MOST_SPANS = 10_000;
/** OpenTelemetry's own limit for attributes and events: https://opentelemetry.io/docs/specs/otel/common/#attribute-limits */
const MOST = 128;
/** A consumer's span has a link for each record of its batch. */
const MOST_LINKS = 1_000;
const LONGEST_TEXT = 4_000;
/** The characters of one span that are kept. */
const LARGEST_SPAN = 32_000;
const DEEPEST = 8;
const DIGITS = /^\d{1,20}$/;
const SOME_DIGIT = /^[\da-f]*[1-9a-f][\da-f]*$/;

type Message = Readonly<Record<string, unknown>>;

/**
 * The spans of an `ExportTraceServiceRequest`, cut to what is kept of each. A span without the ids and the
 * start that OTLP demands is refused, and the others are taken. There is no schema, because this runs on the thread
 * that delivers records, and a schema took ten times as long.
 *
 * @throws ShapeError for another message
 */
export function decodeSpans(request: unknown): Decoded {
  const spans: TraceSpan[] = [];
  let refused = 0;
  let reason: string | undefined;
  const refuse = (count: number, why: string) => {
    refused += count;
    if (count > 0) reason ??= why;
  };
  for (const ofResource of listIn(messageIn(request, 'the request'), 'resourceSpans')) {
    const { resource, scopeSpans } = messageIn(ofResource, 'resourceSpans');
    const service = serviceOf(listIn(messageIn(resource ?? {}, 'resource'), 'attributes'));
    for (const ofScope of listIn({ scopeSpans }, 'scopeSpans')) {
      const all = listIn(messageIn(ofScope, 'scopeSpans'), 'spans');
      const some = all.slice(0, Math.max(0, MOST_SPANS - spans.length - refused));
      for (const given of some) {
        const found = spanOf(given, service);
        if (typeof found === 'string') refuse(1, found);
        else spans.push(found);
      }
      refuse(all.length - some.length, `a request has at most ${MOST_SPANS} spans`);
    }
  }
  return { spans, refused, ...(reason !== undefined && { reason }) };
}

function messageIn(given: unknown, name: string): Message {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Message;
  throw new ShapeError(`${name} must be an object`);
}

/** Protobuf's JSON has null for a field that is left out. */
function listIn(message: Message, name: string): readonly unknown[] {
  const found = message[name] ?? [];
  if (Array.isArray(found)) return found;
  throw new ShapeError(`${name} must be a list`);
}

function serviceOf(attributes: readonly unknown[]): string {
  const { 'service.name': name } = new Values().attributes(attributes);
  return typeof name === 'string' && name !== '' ? name : 'unknown';
}

/** The span, or the reason why it is refused. */
function spanOf(given: unknown, service: string): TraceSpan | string {
  if (typeof given !== 'object' || given === null) return 'a span must be an object';
  const message = given as Message;
  const traceId = idOf(message.traceId, 16);
  const spanId = idOf(message.spanId, 8);
  const parentId = idOf(message.parentSpanId, 8);
  const start = microsOf(message.startTimeUnixNano);
  if (!traceId) return 'traceId must have 16 bytes, not all of them zero';
  if (!spanId) return 'spanId must have 8 bytes, not all of them zero';
  if (!start) return 'startTimeUnixNano must be nanoseconds since 1970, before the year 2255';
  const values = new Values();
  const status = Object(message.status) as Message;
  const said = values.text(status.message);
  return {
    traceId,
    spanId,
    ...(parentId && { parentId }),
    service,
    name: values.text(message.name),
    kind: SPAN_KINDS[Number(message.kind)] ?? 'unspecified',
    startedAt: start / 1_000,
    // The clock may have been set back meanwhile.
    durationMs: Math.max(0, (microsOf(message.endTimeUnixNano) ?? start) - start) / 1_000,
    status: SPAN_STATUSES[Number(status.code ?? 0)] ?? 'unset',
    ...(said !== '' && { message: said }),
    attributes: values.attributes(message.attributes),
    events: some(message.events).flatMap((event) => {
      const { timeUnixNano, name, attributes } = Object(event) as Message;
      const at = microsOf(timeUnixNano);
      if (at === undefined || values.isFull) return [];
      const own = { name: values.text(name), attributes: values.attributes(attributes) };
      return [{ at: at / 1_000, ...own }];
    }),
    links: some(message.links, MOST_LINKS).flatMap((link) => {
      const { traceId: trace, spanId: span } = Object(link) as Message;
      const [linkedTrace, linkedSpan] = [idOf(trace, 16), idOf(span, 8)];
      return linkedTrace && linkedSpan ? [{ traceId: linkedTrace, spanId: linkedSpan }] : [];
    }),
  };
}

/** Hexadecimal digits in JSON, and bytes in protobuf; all zero is no id. */
function idOf(given: unknown, bytes: number): string | undefined {
  const length = given instanceof Uint8Array ? given.length : String(given ?? '').length / 2;
  if (length !== bytes) return undefined;
  const hex = given instanceof Uint8Array ? Buffer.from(given).toString('hex') : String(given);
  const id = hex.toLowerCase();
  return SOME_DIGIT.test(id) ? id : undefined;
}

/** Nanoseconds since 1970 as microseconds, which a number holds exactly until 2255. */
function microsOf(given: unknown): number | undefined {
  const digits = typeof given === 'number' ? given.toFixed(0) : given;
  if (typeof digits !== 'string' || !DIGITS.test(digits)) return undefined;
  const micros = Number(BigInt(digits) / 1_000n);
  return Number.isSafeInteger(micros) ? micros : undefined;
}

const some = (values: unknown, most = MOST): readonly unknown[] =>
  Array.isArray(values) ? values.slice(0, most) : [];

/** Reads the texts and values of one span, up to the size that a span may have. */
class Values {
  #left = LARGEST_SPAN;

  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** Empty for anything but a text. */
  text(given: unknown): string {
    if (typeof given !== 'string') return '';
    const most = Math.min(LONGEST_TEXT, Math.max(0, this.#left));
    this.#left -= Math.min(most, given.length);
    return given.length > most ? `${given.slice(0, most)}…` : given;
  }

  attributes(given: unknown): Attributes {
    return Object.fromEntries(this.#pairs(given, 0));
  }

  #pairs(given: unknown, depth: number): [string, AttributeValue][] {
    const pairs: [string, AttributeValue][] = [];
    for (const one of some(given)) {
      if (this.isFull) break;
      const { key, value } = Object(one) as Message;
      if (typeof key === 'string') pairs.push([this.text(key), this.#value(value, depth)]);
    }
    return pairs;
  }

  /** An `AnyValue` as JSON. */
  #value(given: unknown, depth: number): AttributeValue {
    this.#left -= 8;
    if (this.isFull || depth > DEEPEST) return '…';
    const { stringValue, boolValue, intValue, doubleValue, ...rest } = Object(given) as Message;
    if (typeof stringValue === 'string') return this.text(stringValue);
    if (typeof boolValue === 'boolean') return boolValue;
    if (intValue !== undefined) return numberOf(intValue);
    if (doubleValue !== undefined) return numberOf(doubleValue);
    const { arrayValue, kvlistValue, bytesValue } = rest;
    if (arrayValue) {
      return some(Object(arrayValue).values).map((one) => this.#value(one, depth + 1));
    }
    if (kvlistValue) {
      return Object.fromEntries(this.#pairs(Object(kvlistValue).values, depth + 1));
    }
    if (bytesValue instanceof Uint8Array) {
      return this.text(Buffer.from(bytesValue).toString('base64'));
    }
    return typeof bytesValue === 'string' ? this.text(bytesValue) : null;
  }
}

/** A number that JSON can hold; others, such as NaN or 2^63, as text. */
function numberOf(given: unknown): number | string {
  const found = Number(given);
  const isExact =
    Number.isFinite(found) && (typeof given === 'number' || Number.isSafeInteger(found));
  return isExact ? found : String(given).slice(0, 40);
}
