import middy from '@middy/core';
import httpCors from '@middy/http-cors';
import httpSecurityHeaders from '@middy/http-security-headers';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Access } from '../identity/access.ts';
import type { Callers } from '../identity/callers.ts';
import { type AfterAnswer, invocation } from '../invocation.ts';
import { logger } from '../logger.ts';
import type { RunOn } from '../run-on.ts';
import { accessTo, checkNamedOwner } from './access.ts';
import { type Answer, render } from './answer.ts';
import { CORS } from './cors.ts';
import { type Input, parseInput, type Schemas } from './input.ts';
import { jsonBody } from './json-body.ts';
import type { Operation } from './operation.ts';
import { problems } from './problems.ts';
import {
  factsOf,
  type HttpEvent,
  partsOf,
  type RequestFacts,
  requestOf,
  requestOnly,
} from './request.ts';

/** The headers for JSON; the policies for documents are in DEFAULT_HEADERS or do not apply. */
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

type HttpRequest = middy.Request<HttpEvent, APIGatewayProxyStructuredResultV2>;

/** The parts of an operation by which requests are checked. */
type Checked<S extends Schemas> = Pick<Operation, 'rule'> & { input: S };

type Guarded<S extends Schemas> = {
  /** The operation; a function with two routes tells which one a request is for. */
  operation: Checked<S> | ((facts: RequestFacts) => Checked<S>);
  /** Absent for open operations that answer all callers the same. */
  callers?: Callers;
  /** Absent where each answer waits for the whole invocation. */
  runOn?: RunOn | undefined;
};

/**
 * The house wrapper around a function behind the HTTP API (payload format 2.0): the caller is checked
 * by the operation's `rule`, then body and parameters by its `input`. The answer of `respond` becomes
 * JSON, and every error becomes `application/problem+json`. With a `body` schema the request must
 * carry JSON of at most 1 MB.
 */
export function httpHandler<S extends Schemas>(
  { operation, callers, runOn }: Guarded<S>,
  respond: (input: Input<S>, facts: RequestFacts & Access) => Promise<Answer>,
) {
  const operationOf = typeof operation === 'function' ? operation : () => operation;
  const accesses = new WeakMap<HttpEvent, Access>();
  const callerCheckBefore = async ({ event }: middy.Request<HttpEvent>) => {
    const { rule } = operationOf(factsOf(event));
    accesses.set(event, await accessTo(rule, event.headers.authorization, callers));
  };
  const base = async (event: HttpEvent) => {
    const facts = factsOf(event);
    const { rule, input: schemas } = operationOf(facts);
    const access = accesses.get(event);
    if (!access) throw new Error('The caller was not checked.');
    const input = parseInput(schemas, partsOf(event));
    checkNamedOwner(rule, access, input);
    return render(await respond(input, { ...facts, ...access }));
  };
  const stack = middy<HttpEvent, APIGatewayProxyStructuredResultV2>(base)
    .use(requestLog())
    .use(httpSecurityHeaders(SECURITY_HEADERS))
    .use(
      httpCors({
        origin: CORS.origin,
        exposeHeaders: CORS.answerHeaders.join(', '),
        disableBeforePreflightResponse: true,
      }),
    )
    .use(problems())
    .use(requestOnly())
    .use({ before: callerCheckBefore });
  if (typeof operation === 'object' && operation.input.body) stack.use(jsonBody());
  return (given: unknown, context: Context) => {
    const event = requestOf(given);
    const { traceparent: received } = event.headers;
    const trigger = { by: 'request', traceparent: received } as const;
    const work = (traceparent: string, afterAnswer: AfterAnswer) =>
      stack({ ...event, afterAnswer, headers: { ...event.headers, traceparent } }, context);
    return invocation(context, trigger, work, runOn);
  };
}

/** One line a request, without its path, which may hold a token. */
function requestLog(): middy.MiddlewareObj<HttpEvent, APIGatewayProxyStructuredResultV2> {
  const requestLogAfterOrError = ({ event, response }: HttpRequest) => {
    logger.info('request', {
      method: factsOf(event).method,
      route: event.requestContext?.routeKey,
      status: response?.statusCode,
    });
  };
  return { after: requestLogAfterOrError, onError: requestLogAfterOrError };
}
