import { createRequire } from 'node:module';
import type { Tracer } from '@aws-lambda-powertools/tracer';
import type { Context } from 'aws-lambda';
import { AppError, ERRORS } from './errors.ts';
import { logger } from './logger.ts';

/** What a part of a trace can be found by in X-Ray. Never an address or a name of a customer. */
type Annotations = { traceId?: string | undefined };

const PACKAGE = '@aws-lambda-powertools/tracer';
const load = createRequire(import.meta.url);

/** One of the process, as the X-Ray SDK's own state is. */
let tracer: Tracer | undefined;

/**
 * Begins to trace, by Powertools' tracer from AWS's layer, which `NODE_PATH` leads to
 * (https://docs.aws.amazon.com/powertools/typescript/latest/getting-started/lambda-layers/); before this,
 * and in a stage without the layer, nothing is traced. A tracer that does not load takes the parts out
 * of the traces and stops nothing else.
 */
export function startTracer(): void {
  try {
    const powertools: typeof import('@aws-lambda-powertools/tracer') = load(PACKAGE);
    // The SDK's clients are traced one by one; a request's address may hold what is private.
    tracer ??= new powertools.Tracer({ serviceName: 'orders', captureHTTPsRequests: false });
  } catch (error) {
    const reason = `${PACKAGE} does not load from the layer: mend TRACER_LAYER_ARN, or leave it empty.`;
    logger.warn('no tracer', { reason, cause: String(error) });
  }
}

/**
 * The client, with a part of the trace for each of its calls. A failed call is there with its message,
 * so this is for services whose messages hold nothing of a customer.
 */
export function traceClient<C>(client: C): C {
  return tracer ? tracer.captureAWSv3Client(client) : client;
}

/** Runs an invocation as the part of its trace that is named after the function. */
export function traceInvocation<T>(
  { functionName }: Pick<Context, 'functionName'>,
  annotations: Annotations,
  work: () => Promise<T>,
): Promise<T> {
  return tracePart(`## ${functionName}`, annotations, () => {
    tracer?.annotateColdStart();
    tracer?.addServiceNameAnnotation();
    return work();
  });
}

/**
 * Runs work as a part of the trace; what it waits for stands below it. A failure is marked by its code
 * or name alone: messages of providers repeat addresses.
 */
export async function tracePart<T>(
  name: string,
  annotations: Annotations,
  work: () => Promise<T>,
): Promise<T> {
  if (!tracer?.getSegment()) return work();
  const traced = async (part?: Part) => {
    for (const [key, value] of Object.entries(annotations)) {
      if (value !== undefined) part?.addAnnotation(key, value);
    }
    try {
      return await work();
    } catch (error) {
      if (part) mark(part, error);
      throw error;
    } finally {
      if (part) end(part);
    }
  };
  return tracer.provider.captureAsyncFunc(name, traced) as Promise<T>;
}

/** Marks the part that is under way as failed, where a failure becomes an answer and is not thrown. */
export function traceFailure(error: unknown): void {
  const part = tracer?.getSegment();
  if (part) mark(part, error);
}

/** As much of the X-Ray SDK's subsegment as is used. */
type Part = {
  subsegments?: Part[];
  isClosed(): boolean;
  addAnnotation(key: string, value: string | boolean): void;
  addErrorFlag(): void;
  addFaultFlag(): void;
  close(): void;
};

/**
 * What is still under way below a part, since nobody waits for it any more, ends with it: the SDK holds
 * a part back while one below is open, and would give the rest to the next invocation's trace.
 */
function end(part: Part): void {
  for (const child of [...(part.subsegments ?? [])]) {
    if (child.isClosed()) continue;
    child.addAnnotation('unfinished', true);
    end(child);
    child.close = () => undefined;
  }
  part.close();
}

function mark(
  part: Pick<Part, 'addAnnotation' | 'addErrorFlag' | 'addFaultFlag'>,
  error: unknown,
): void {
  part.addAnnotation('errorCode', codeOf(error));
  if (error instanceof AppError && ERRORS[error.code].status < 500) part.addErrorFlag();
  else part.addFaultFlag();
}

/** The code of a planned error; the name of a bug, also of one that became `INTERNAL`. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if (!(error instanceof AppError)) return error.name;
  return error.code === 'INTERNAL' && error.cause ? codeOf(error.cause) : error.code;
}
