import middy from '@middy/core';
import httpCors from '@middy/http-cors';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import httpSecurityHeaders from '@middy/http-security-headers';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import { AppError, asAppError } from '../errors.ts';
import type { Access } from '../identity/access.ts';
import type { Callers } from '../identity/callers.ts';
import { logFailure, logger } from '../logger.ts';
import { measure, writeMetrics } from '../metrics.ts';
import { continueTrace, traceIdOf } from '../trace.ts';
import { traceInvocation } from '../tracer.ts';
import { accessTo, checkNamedOwner } from './access.ts';
import { ANSWER_HEADERS, type Answer, problem } from './answer.ts';
import { type Input, invalid, parseInput, type Schemas } from './input.ts';
import type { Operation } from './operation.ts';

const MAX_BODY_BYTES = 1024 * 1024;

const DEFAULT_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What matters for JSON; the policies for documents are set by DEFAULT_HEADERS or do not apply. */
const SECURITY_HEADERS = {
  contentSecurityPolicy: false,
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: false,
  crossOriginResourcePolicy: { policy: 'cross-origin' },
  dnsPrefetchControl: false,
  downloadOptions: false,
  originAgentCluster: false,
  permissionsPolicy: false,
  permittedCrossDomainPolicies: false,
  reportTo: false,
  reportingEndpoints: false,
} as const;

const COMPARE = 'Compare it with the samples in events/.';

/** Refused for what is stored, not for how it was asked. */
const CONFLICTS = new Set([409, 412]);

/** What a handler may know of the request beside its checked input. */
export type RequestFacts = { traceparent: string; method: string; path: string };

/** The parts of an operation by which requests are checked. */
type Checked<S extends Schemas> = Pick<Operation, 'rule'> & { input: S };

type Guarded<S extends Schemas> = {
  /** The operation; a function with two routes tells which one a request is for. */
  operation: Checked<S> | ((facts: RequestFacts) => Checked<S>);
  /** Absent for open operations that answer all callers the same. */
  callers?: Callers;
};

type HttpEvent = APIGatewayProxyEventV2;
type HttpRequest = middy.Request<HttpEvent, APIGatewayProxyStructuredResultV2>;

/**
 * The house wrapper around a function behind the HTTP API (payload format 2.0): the caller is checked
 * by the operation's `rule`, then body and parameters by its `input`, what `respond` answers becomes
 * JSON, and every error becomes `application/problem+json`. With a `body` schema the request must
 * carry JSON of at most 1 MB.
 */
export function httpHandler<S extends Schemas>(
  { operation, callers }: Guarded<S>,
  respond: (input: Input<S>, facts: RequestFacts & Access) => Promise<Answer>,
) {
  const operationOf = typeof operation === 'function' ? operation : () => operation;
  const accesses = new WeakMap<HttpEvent, Access>();
  const base = (event: HttpEvent, context: Context) => {
    const facts = factsOf(event);
    return traceInvocation(context, { traceId: traceIdOf(facts.traceparent) }, async () => {
      const { rule, input: schemas } = operationOf(facts);
      const access = accesses.get(event);
      if (!access) throw new Error('The caller was not checked.');
      const input = parseInput(schemas, partsOf(event));
      checkNamedOwner(rule, access, input);
      return render(await respond(input, { ...facts, ...access }));
    });
  };
  const checkCaller: middy.MiddlewareObj<HttpEvent> = {
    before: async ({ event }) => {
      const { rule } = operationOf(factsOf(event));
      accesses.set(event, await accessTo(rule, event.headers.authorization, callers));
    },
  };
  const stack = middy<HttpEvent, APIGatewayProxyStructuredResultV2>(base)
    .use(requestOnly())
    .use(requestLog())
    .use(httpSecurityHeaders(SECURITY_HEADERS))
    .use(
      httpCors({
        origin: '*',
        exposeHeaders: ANSWER_HEADERS.join(', '),
        disableBeforePreflightResponse: true,
      }),
    )
    .use(problems())
    .use(checkCaller);
  const takesBody = typeof operation === 'object' && operation.input.body !== undefined;
  return takesBody ? stack.use(bodyChecks()).use(httpJsonBodyParser()) : stack;
}

function partsOf(event: HttpEvent) {
  return {
    path: event.pathParameters ?? {},
    query: event.queryStringParameters ?? {},
    headers: event.headers ?? {},
    body: event.body,
  };
}

/** Also for what `sls invoke local` is given by hand, where any part of the event may be absent. */
function factsOf(event: Partial<HttpEvent>): RequestFacts {
  return {
    traceparent: event.headers?.traceparent ?? continueTrace(undefined),
    method: event.requestContext?.http?.method ?? '',
    path: event.rawPath ?? '',
  };
}

function render({ statusCode, headers, body }: Answer): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { ...DEFAULT_HEADERS, ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}

/**
 * Lets nothing through that is no request in the gateway's format, which writes the names of headers
 * in lower case. What is made by hand may leave parts out.
 */
function requestOnly(): middy.MiddlewareObj<HttpEvent> {
  return {
    before: (request) => {
      const given: unknown = request.event;
      const event = given === '' ? {} : given; // `sls invoke local` without a sample
      const isObject = typeof event === 'object' && event !== null && !Array.isArray(event);
      request.event = { ...(isObject && event) } as HttpEvent;
      request.event.headers = lowerCased(request.event.headers ?? {});
      if (!isObject) throw new AppError('CONFIG', `The event is no HTTP request. ${COMPARE}`);
      if (!('httpMethod' in event)) return;
      const what = 'The event has payload format 1.0, as REST APIs and load balancers send it;';
      throw new AppError('CONFIG', `${what} this function takes 2.0, of an HTTP API. ${COMPARE}`);
    },
  };
}

function lowerCased(headers: Record<string, string | undefined>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** Request and trace id on every line of the request; one line and the metrics when it ends. */
function requestLog(): middy.MiddlewareObj<HttpEvent, APIGatewayProxyStructuredResultV2> {
  const ended = ({ event, response }: HttpRequest) => {
    logger.info('request', {
      method: factsOf(event).method,
      route: event.requestContext?.routeKey,
      status: response?.statusCode,
    });
    logger.resetKeys();
    writeMetrics();
  };
  return {
    before: ({ event, context }) => {
      event.headers.traceparent = continueTrace(event.headers.traceparent);
      logger.appendKeys({
        requestId: context.awsRequestId,
        traceId: traceIdOf(event.headers.traceparent),
      });
    },
    after: ended,
    onError: ended,
  };
}

/** Turns what was thrown into the answer for the caller, and into a log line where it matters. */
function problems(): middy.MiddlewareObj<HttpEvent, APIGatewayProxyStructuredResultV2> {
  return {
    onError: (request) => {
      const error = asAppError(fromParser(request.error));
      const answer = problem(error, instanceOf(request.context));
      if (CONFLICTS.has(answer.statusCode)) measure('Conflicts');
      if (answer.statusCode < 500) logger.info('refused', { code: error.code });
      else logFailure(logger, 'failed', request.error);
      request.response = render(answer);
    },
  };
}

function instanceOf(context: Context): string {
  return context.awsRequestId;
}

function bodyChecks(): middy.MiddlewareObj<HttpEvent> {
  return {
    before: ({ event }) => {
      event.body = asText(event.body);
      const { body, isBase64Encoded } = event;
      if (body === undefined || body === null || body === '') {
        throw new AppError('BODY_MISSING', 'The request needs a JSON body and has none.');
      }
      if (Buffer.byteLength(body, isBase64Encoded ? 'base64' : 'utf8') > MAX_BODY_BYTES) {
        throw new AppError('BODY_TOO_LARGE', `The body may have ${MAX_BODY_BYTES} bytes at most.`);
      }
    },
  };
}

/** serverless-offline hands `false` and `0` over as they are, and a hand-made event may hold an object. */
function asText(body: unknown): string | undefined {
  if (body === undefined || body === null || typeof body === 'string') return body ?? undefined;
  return JSON.stringify(body);
}

/** middy's parser says 422 for bad JSON, and keeps the body in the cause: neither goes further. */
function fromParser(error: unknown): unknown {
  if (!(error instanceof Error) || !('statusCode' in error)) return error;
  if (error.statusCode === 415) {
    return new AppError('CONTENT_TYPE', 'The body must be declared as application/json.');
  }
  if (error.statusCode !== 422) return error;
  return error.message.startsWith('Invalid or malformed JSON')
    ? new AppError('BODY_NOT_JSON', 'The body is not a JSON document.')
    : invalid([{ path: '', message: 'Keys that change an object itself are refused.' }]);
}
