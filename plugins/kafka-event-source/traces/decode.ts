/** Reads the spans of a request, in whichever of OTLP's two encodings it came. */
import { z } from 'zod';
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

/** OpenTelemetry's own limit for attributes, events and links: https://opentelemetry.io/docs/specs/otel/common/#attribute-limits */
const MOST = 128;
/** A consumer's span has a link for each record of its batch. */
const MOST_LINKS = 1_000;
const LONGEST_TEXT = 4_000;
/** The characters of one span that are kept. */
const LARGEST_SPAN = 32_000;
const DEEPEST = 8;

// Protobuf's JSON has null for a field that is left out.
const list = z
  .array(z.unknown())
  .nullish()
  .transform((all) => all ?? []);
const text = z
  .string()
  .nullish()
  .transform((found) => found ?? '');
const number = z
  .number()
  .nullish()
  .transform((found) => found ?? 0);

const requestSchema = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: list }).nullish(),
        scopeSpans: z.array(z.object({ spans: list })).nullish(),
      }),
    )
    .nullish(),
});

/** Hexadecimal digits in JSON, and bytes in protobuf; all zero is no id. */
const id = (bytes: number) =>
  z
    .unknown()
    .optional()
    .transform((given) =>
      given instanceof Uint8Array
        ? Buffer.from(given).toString('hex')
        : String(given ?? '').toLowerCase(),
    )
    .refine((hex) => hex.length === bytes * 2 && /^[\da-f]*[1-9a-f][\da-f]*$/.test(hex), {
      error: `must have ${bytes} bytes, not all of them zero`,
    });

/** Nanoseconds since 1970 as microseconds, which a number holds exactly until 2255. */
const time = z
  .union([z.string().regex(/^\d{1,20}$/), z.int().min(0)], {
    error: 'must be nanoseconds since 1970',
  })
  .transform((nanos) => Number(BigInt(nanos) / 1_000n))
  .refine((micros) => Number.isSafeInteger(micros), { error: 'must be before the year 2255' });

const spanSchema = z.object({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: z
    .unknown()
    .optional()
    .transform((given) => id(8).safeParse(given).data),
  name: text,
  kind: number,
  startTimeUnixNano: time.refine((micros) => micros > 0, { error: 'must be given' }),
  endTimeUnixNano: time.nullish(),
  attributes: list,
  events: list,
  links: list,
  status: z.object({ code: number, message: text }).nullish(),
});

const eventSchema = z.object({ timeUnixNano: time, name: text, attributes: list });
const linkSchema = z.object({ traceId: id(16), spanId: id(8), attributes: list });
const pairSchema = z.object({ key: z.string(), value: z.unknown().optional() });

/**
 * The spans of an `ExportTraceServiceRequest`, cut to what is kept of each. A span without the ids and the
 * start that OTLP demands is refused, and the others are taken.
 *
 * @throws z.ZodError for another message
 */
export function decodeSpans(request: unknown): Decoded {
  const { resourceSpans } = requestSchema.parse(request);
  const spans: TraceSpan[] = [];
  let refused = 0;
  let reason: string | undefined;
  for (const { resource, scopeSpans } of resourceSpans ?? []) {
    const service = serviceOf(resource?.attributes ?? []);
    for (const given of (scopeSpans ?? []).flatMap((scope) => scope.spans)) {
      const found = spanSchema.safeParse(given);
      if (found.success) spans.push(spanOf(found.data, service));
      else {
        refused += 1;
        const [issue] = found.error.issues;
        reason ??= `${issue?.path.join('.') || 'span'} ${issue?.message}`;
      }
    }
  }
  return { spans, refused, ...(reason !== undefined && { reason }) };
}

function serviceOf(attributes: readonly unknown[]): string {
  const { 'service.name': name } = new Values().attributes(attributes);
  return typeof name === 'string' && name !== '' ? name : 'unknown';
}

function spanOf(given: z.output<typeof spanSchema>, service: string): TraceSpan {
  const { traceId, spanId, parentSpanId, startTimeUnixNano: start, status } = given;
  const values = new Values();
  const message = values.text(status?.message ?? '');
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentId: parentSpanId }),
    service,
    name: values.text(given.name),
    kind: SPAN_KINDS[given.kind] ?? 'unspecified',
    startedAt: start / 1_000,
    // The clock may have been set back meanwhile.
    durationMs: Math.max(0, (given.endTimeUnixNano ?? start) - start) / 1_000,
    status: SPAN_STATUSES[status?.code ?? 0] ?? 'unset',
    ...(message !== '' && { message }),
    attributes: values.attributes(given.attributes),
    events: given.events.slice(0, MOST).flatMap((one) => {
      const event = eventSchema.safeParse(one).data;
      if (!event || values.isFull) return [];
      const { timeUnixNano, name, attributes } = event;
      const at = timeUnixNano / 1_000;
      return [{ at, name: values.text(name), attributes: values.attributes(attributes) }];
    }),
    links: given.links.slice(0, MOST_LINKS).flatMap((one) => {
      const link = linkSchema.safeParse(one).data;
      return link ? [{ traceId: link.traceId, spanId: link.spanId }] : [];
    }),
  };
}

/** Reads the texts and values of one span, until they are as large as a span may be. */
class Values {
  #left = LARGEST_SPAN;

  get isFull(): boolean {
    return this.#left <= 0;
  }

  text(given: string): string {
    const most = Math.min(LONGEST_TEXT, Math.max(0, this.#left));
    this.#left -= Math.min(most, given.length);
    return given.length > most ? `${given.slice(0, most)}…` : given;
  }

  attributes(given: readonly unknown[]): Attributes {
    const pairs: [string, AttributeValue][] = [];
    for (const one of given.slice(0, MOST)) {
      if (this.isFull) break;
      const pair = pairSchema.safeParse(one).data;
      if (pair) pairs.push([this.text(pair.key), this.#value(pair.value, 0)]);
    }
    return Object.fromEntries(pairs);
  }

  /** An `AnyValue` as JSON. */
  #value(given: unknown, depth: number): AttributeValue {
    this.#left -= 8;
    if (this.isFull || depth > DEEPEST) return '…';
    const { stringValue, boolValue, intValue, doubleValue, ...rest } = Object(given);
    if (typeof stringValue === 'string') return this.text(stringValue);
    if (typeof boolValue === 'boolean') return boolValue;
    if (intValue !== undefined) return numberOf(intValue);
    if (doubleValue !== undefined) return numberOf(doubleValue);
    const { arrayValue, kvlistValue, bytesValue } = rest;
    if (arrayValue) {
      return this.#some(arrayValue.values).map((one) => this.#value(one, depth + 1));
    }
    if (kvlistValue) {
      const pairs = this.#some(kvlistValue.values).flatMap((one) => {
        const pair = pairSchema.safeParse(one).data;
        return pair ? [[this.text(pair.key), this.#value(pair.value, depth + 1)] as const] : [];
      });
      return Object.fromEntries(pairs);
    }
    if (bytesValue instanceof Uint8Array) {
      return this.text(Buffer.from(bytesValue).toString('base64'));
    }
    return typeof bytesValue === 'string' ? this.text(bytesValue) : null;
  }

  #some(values: unknown): unknown[] {
    return Array.isArray(values) ? values.slice(0, MOST) : [];
  }
}

/** A number that JSON can hold; others, such as NaN or 2^63, as text. */
function numberOf(given: unknown): number | string {
  const found = Number(given);
  const isExact =
    Number.isFinite(found) && (typeof given === 'number' || Number.isSafeInteger(found));
  return isExact ? found : String(given).slice(0, 40);
}
