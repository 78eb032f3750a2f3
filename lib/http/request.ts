import type middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { AppError } from '../errors.ts';
import type { AfterAnswer } from '../invocation.ts';

/** A caller is answered within 2 s; this is the function's share of it. */
const ANSWER_MS = 1_900;

/**
 * A request in payload format 2.0; `fault` says why the function was given something else, and
 * `receivedAt` when it was given (ms of `performance.now()`).
 */
export type HttpEvent = APIGatewayProxyEventV2 & {
  fault?: AppError | undefined;
  receivedAt: number;
  afterAnswer: AfterAnswer;
};

/** The facts of the request for a handler, beside its checked input. */
export type RequestFacts = {
  traceparent: string;
  method: string;
  path: string;
  /** The time that is left until the caller is to be answered: the check of a token may take a second. */
  timeLeftMs(): number;
  afterAnswer: AfterAnswer;
};

const COMPARE = 'Compare it with the samples in events/.';

/**
 * The event with the names of its headers in lower case, as the gateway writes them. Hand-made
 * events may lack fields.
 */
export function requestOf(given: unknown): Omit<HttpEvent, 'afterAnswer'> {
  const fault = faultOf(given);
  const event = { ...(isObject(given) && given) } as Partial<APIGatewayProxyEventV2>;
  const headers = Object.fromEntries(
    Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const receivedAt = performance.now();
  return { ...(event as APIGatewayProxyEventV2), headers, fault, receivedAt };
}

export function factsOf(event: HttpEvent): RequestFacts {
  const { headers, requestContext, rawPath, receivedAt, afterAnswer } = event;
  return {
    traceparent: headers.traceparent ?? '',
    method: requestContext?.http?.method ?? '',
    path: rawPath ?? '',
    timeLeftMs: () => Math.max(0, receivedAt + ANSWER_MS - performance.now()),
    afterAnswer,
  };
}

/** The parts of a request that have a schema. */
export function partsOf(event: HttpEvent) {
  return {
    path: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    headers: event.headers,
    body: event.body,
  };
}

/** Refuses an event that is not a request in the gateway's format. */
export function requestOnly(): middy.MiddlewareObj<HttpEvent> {
  const requestOnlyBefore = ({ event: { fault } }: middy.Request<HttpEvent>) => {
    if (fault) throw fault;
  };
  return { before: requestOnlyBefore };
}

function faultOf(given: unknown): AppError | undefined {
  if (given === '') return undefined; // `sls invoke local` without a sample
  if (!isObject(given)) return new AppError('CONFIG', `The event is no HTTP request. ${COMPARE}`);
  if (!('httpMethod' in given)) return undefined;
  const what = 'The event has payload format 1.0, as REST APIs and load balancers send it;';
  return new AppError('CONFIG', `${what} this function takes 2.0, of an HTTP API. ${COMPARE}`);
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
