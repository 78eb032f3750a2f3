import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Context as LambdaContext } from 'aws-lambda';
import { partsOf } from './trace.ts';
import type { Call, Failure, Trigger } from './tracer.ts';
import { within } from './within.ts';

/**
 * The zip has this module as a file of its own, which a stage without a collector never loads. It
 * shares no module state with the function, so the function hands over what the module needs.
 */
type House = {
  /** The share of new traces that is kept. */
  ratio: number;
  failureOf(error: unknown): Failure;
  warn(message: string, facts: { reason: string }): void;
};

/** The longest time for which a caller waits for the collector. */
const FLUSH_MS = 200;
/** The time that is left to Lambda for taking the answer: an answer after the end is lost. */
const ANSWER_MS = 50;

const KINDS = {
  request: SpanKind.SERVER,
  batch: SpanKind.CONSUMER,
  schedule: SpanKind.INTERNAL,
} as const;

/** The spans of an invocation that have not ended yet. */
type Scope = { open: Set<Span>; isOver: boolean };

const SCOPE = createContextKey('the spans of the invocation');

let house: House;
let provider: TracerProvider;
let isCold = true;
let isToldAway = false;

/** Call this once: OpenTelemetry's API has one state per process. */
export function startOtel(given: House) {
  house = given;
  const exporter = new OTLPTraceExporter({ timeoutMillis: FLUSH_MS });
  provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'orders' }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(house.ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  return { traceInvocation, traceRecord, traceCall, traceSdkCall, traceFailure };
}

async function traceInvocation<T>(
  lambda: LambdaContext,
  { by, traceparent }: Trigger,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  const { functionName, awsRequestId } = lambda;
  const scope: Scope = { open: new Set(), isOver: false };
  const parent = remote(ROOT_CONTEXT, traceparent).setValue(SCOPE, scope);
  const attributes = { 'faas.invocation_id': awsRequestId, 'faas.coldstart': isCold };
  isCold = false;
  try {
    const options = { name: functionName, kind: KINDS[by], attributes };
    return await inSpan(options, parent, (span) => work(traceparentOf(span)));
  } finally {
    // These spans came too late. Sent later, they would arrive with another invocation's spans.
    scope.isOver = true;
    for (const span of scope.open) span.setAttribute('unfinished', true).end();
    await flush(Math.min(FLUSH_MS, lambda.getRemainingTimeInMillis() - ANSWER_MS));
  }
}

function traceRecord<T>(traceparent: string | undefined, work: () => Promise<T>): Promise<T> {
  const invocation = trace.getActiveSpan();
  const links = invocation ? [{ context: invocation.spanContext() }] : [];
  const parent = remote(context.active(), traceparent);
  return inSpan({ name: 'record', kind: SpanKind.CONSUMER, links }, parent, work);
}

function traceCall<T>({ name, attributes }: Call, work: () => Promise<T>): Promise<T> {
  return inSpan({ name, kind: SpanKind.CLIENT, attributes }, context.active(), work);
}

/** Traces a call by the SDK: its answer and most of its errors have the metadata of the request. */
function traceSdkCall<T>(service: string, method: string, work: () => Promise<T>): Promise<T> {
  const attributes = { 'rpc.system': 'aws-api', 'rpc.service': service, 'rpc.method': method };
  const options = { name: `${service} ${method}`, kind: SpanKind.CLIENT, attributes };
  return inSpan(options, context.active(), async (span) => {
    try {
      const answer = await work();
      span.setAttributes(requestOf(Object(answer).output));
      return answer;
    } catch (error) {
      span.setAttributes(requestOf(error));
      throw error;
    }
  });
}

function traceFailure(error: unknown): void {
  const span = trace.getActiveSpan();
  if (!span) return;
  span.setAttribute('http.response.status_code', house.failureOf(error).status);
  mark(span, error);
}

type SpanOptions = {
  name: string;
  kind: SpanKind;
  attributes?: Attributes | undefined;
  links?: Link[];
};

/** Runs work as a span. Work that begins after its invocation has ended is not traced. */
async function inSpan<T>(
  { name, ...options }: SpanOptions,
  parent: Context,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const scope = parent.getValue(SCOPE) as Scope | undefined;
  if (!scope || scope.isOver) return work(trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  const span = trace.getTracer('orders').startSpan(name, options, parent);
  scope.open.add(span);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    if (!scope.isOver) mark(span, error);
    throw error;
  } finally {
    if (scope.open.delete(span) && !scope.isOver) span.end();
  }
}

/** A refusal is no failure of ours. The error's text may hold an address, so the span leaves it out. */
function mark(span: Span, error: unknown): void {
  const { code, status } = house.failureOf(error);
  span.setAttribute('error.type', code);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Sends the spans. Without time they are sent with those of a later invocation. */
async function flush(ms: number): Promise<void> {
  if (ms <= 0) return;
  try {
    await within(ms, provider.forceFlush(), () => new Error(`not within ${ms} ms`));
  } catch (error) {
    if (isToldAway) return;
    isToldAway = true;
    // Logged once, since a collector that is away would fill the log. No caller is affected.
    house.warn('traces not sent', { reason: String(error) });
  }
}

/** The context with the sender of a `traceparent` as the parent; without one, as it is. */
function remote(base: Context, traceparent: string | undefined): Context {
  const parts = partsOf(traceparent);
  if (!parts) return base;
  const { traceId, spanId, flags } = parts;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(base, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function requestOf(answer: unknown): Attributes {
  const { requestId, httpStatusCode, attempts } = Object(Object(answer).$metadata);
  return {
    ...(requestId && { 'aws.request_id': requestId }),
    ...(httpStatusCode && { 'http.response.status_code': httpStatusCode }),
    ...(attempts > 1 && { 'http.request.resend_count': attempts - 1 }),
  };
}
