import middy from '@middy/core';
import httpCors from '@middy/http-cors';
import httpSecurityHeaders from '@middy/http-security-headers';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { invocation } from '../invocation.ts';
import { logger } from '../logger.ts';
import { ANSWER_HEADERS, type Answer, render } from './answer.ts';
import { type Input, parseInput, type Schemas } from './input.ts';
import { jsonBody } from './json-body.ts';
import { problems } from './problems.ts';
import {
  factsOf,
  type HttpEvent,
  partsOf,
  type RequestFacts,
  requestOf,
  requestOnly,
} from './request.ts';

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

type HttpRequest = middy.Request<HttpEvent, APIGatewayProxyStructuredResultV2>;

/**
 * The house wrapper around a function behind the HTTP API (payload format 2.0): body and parameters
 * are checked by the operation's `input`, what `respond` answers becomes JSON, and every error becomes
 * `application/problem+json`. With a `body` schema the request must carry JSON of at most 1 MB. A
 * function behind two routes passes the operation of one of them: their inputs are the same.
 */
export function httpHandler<S extends Schemas>(
  { input = {} as S }: { input?: S },
  respond: (input: Input<S>, facts: RequestFacts) => Promise<Answer>,
) {
  const base = async (event: HttpEvent) =>
    render(await respond(parseInput(input, partsOf(event)), factsOf(event)));
  const stack = middy<HttpEvent, APIGatewayProxyStructuredResultV2>(base)
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
    .use(requestOnly());
  if (input.body) stack.use(jsonBody());
  return (given: unknown, context: Context) => {
    const event = requestOf(given);
    const { traceparent: received } = event.headers;
    return invocation(context, { by: 'request', traceparent: received }, (traceparent) =>
      stack({ ...event, headers: { ...event.headers, traceparent } }, context),
    );
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
