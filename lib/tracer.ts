import type { Attributes } from '@opentelemetry/api';
import type { Context } from 'aws-lambda';
import { AppError, ERRORS } from './errors.ts';
import { logger } from './logger.ts';
import { continueTrace } from './trace.ts';

/** The trigger of an invocation; a request may bring the `traceparent` of its caller. */
export type Trigger = { by: 'request' | 'batch' | 'schedule'; traceparent?: string | undefined };

/** A call of another system. Attributes never hold an address, a name or a text of a customer. */
export type Call = { name: string; attributes?: Attributes };

/** The facts of a failure in a span; `status` is that of an HTTP answer. */
export type Failure = { code: string; status: number };

type Otel = ReturnType<typeof import('./otel.ts')['startOtel']>;

let loading: Promise<Otel | undefined> | undefined;
let otel: Otel | undefined;

/**
 * Loads OpenTelemetry and begins to trace. Before this call nothing of it is loaded or traced.
 * The SDK itself reads the collector's address, `OTEL_EXPORTER_OTLP_ENDPOINT`, and other variables
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). If it does not load, all else goes on.
 *
 * @param ratio the share of new traces that is kept; a caller's trace is kept if the caller keeps it
 */
export function startTracer({ ratio }: { ratio: number }): void {
  const start = async () => {
    const { startOtel } = await import('./otel.ts');
    return startOtel({
      ratio,
      failureOf,
      warn: (message, facts) => logger.warn(message, facts),
    });
  };
  loading ??= start().catch((error: unknown) => {
    logger.warn('OpenTelemetry does not start, so no traces are sent', { reason: String(error) });
    return undefined;
  });
}

/**
 * Runs an invocation as a span named after the function. Its spans are sent before it ends, or given
 * up after 200 ms, or earlier when the invocation has less time left. `work` gets the `traceparent`
 * under which a request goes on, traced or not.
 */
export async function traceInvocation<T>(
  context: Context,
  trigger: Trigger,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  if (loading) otel = await loading;
  if (!otel) return work(continueTrace(trigger.traceparent));
  return otel.traceInvocation(context, trigger, work);
}

/** Runs the processing of a record as a span in the trace of its request, linked to the invocation. */
export function traceRecord<T>(
  traceparent: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return otel ? otel.traceRecord(traceparent, work) : work();
}

/**
 * Runs a call of another system as a span. A failure is marked by its code or name alone: messages of
 * providers repeat addresses.
 */
export function traceCall<T>(call: Call, work: () => Promise<T>): Promise<T> {
  return otel ? otel.traceCall(call, work) : work();
}

/** Marks the current span as failed when a failure becomes an answer and is not thrown. */
export function traceFailure(error: unknown): void {
  otel?.traceFailure(error);
}

/** The SDK's client, with a span for each of its calls. */
export function traceClient<C extends SdkClient>(client: C): C {
  if (!loading) return client;
  const traced: Middleware = (next, { clientName = '', commandName = '' }) => {
    const service = clientName.replace(/Client$/, '');
    const method = commandName.replace(/Command$/, '');
    return (args) => (otel ? otel.traceSdkCall(service, method, () => next(args)) : next(args));
  };
  client.middlewareStack.add(traced, { step: 'initialize', name: 'trace' });
  return client;
}

/** The code of a planned error; the name of a bug, also of one that became `INTERNAL`. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: typeof error, status: 500 };
  if (!(error instanceof AppError)) return { code: error.name, status: 500 };
  if (error.code === 'INTERNAL' && error.cause) return failureOf(error.cause);
  return { code: error.code, status: ERRORS[error.code].status };
}

/** The part of an AWS SDK client that tracing its calls needs. */
type SdkClient = {
  middlewareStack: {
    add(middleware: Middleware, options: { step: 'initialize'; name: string }): void;
  };
};

// biome-ignore lint/suspicious/noExplicitAny: each command has types of its own
type Next = (args: any) => Promise<any>;

type Middleware = (next: Next, facts: { clientName?: string; commandName?: string }) => Next;
