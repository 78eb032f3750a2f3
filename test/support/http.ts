import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from 'aws-lambda';
import { problemSchema } from '../../lib/api-docs/problem.ts';

type Call = {
  method?: string;
  path?: string;
  pathParameters?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
};

/** The answer of a handler, with its body parsed. */
export type Reply = { status: number; headers: Record<string, string>; body: Json };
// biome-ignore lint/suspicious/noExplicitAny: a test reads any member of an answer
type Json = any;

type Handler = (event: APIGatewayProxyEventV2, context: Context) => unknown;

/**
 * Calls a handler as the HTTP API does (payload format 2.0). A string body goes as it is. Every
 * refusal must keep the schema that the API's document shows.
 */
export async function call(handler: Handler, request: Call = {}): Promise<Reply> {
  const result = (await handler(
    httpEvent(request),
    lambdaContext(),
  )) as APIGatewayProxyStructuredResultV2;
  const body = result.body ? JSON.parse(result.body) : undefined;
  if (body?.success === false) problemSchema.parse(body);
  return {
    status: result.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(result.headers ?? {}).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
    ),
    body,
  };
}

export function httpEvent(request: Call): APIGatewayProxyEventV2 {
  const { method = 'GET', path = '/', pathParameters, query, headers, body } = request;
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
    requestContext: {
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      routeKey: '$default',
    } as APIGatewayProxyEventV2['requestContext'],
    isBase64Encoded: false,
    ...(pathParameters && { pathParameters }),
    ...(query && { queryStringParameters: query }),
    ...(text !== undefined && { body: text }),
  };
}

export function lambdaContext(timeLeftMs = 60_000): Context {
  const end = Date.now() + timeLeftMs;
  return {
    awsRequestId: crypto.randomUUID(),
    functionName: 'test',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
    getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
  } as Context;
}
