import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type AwsRequest, callsOf } from './calls.ts';
import { allowing, type Call, type Permission } from './policy.ts';

/** The faults for requests: DynamoDB throttles them, or SES and SNS are away. */
export type Trouble = 'none' | 'throttled' | 'providers away';

type Answer = { status: number; type: string; headers?: Record<string, string>; body: string };

const JSON_TYPE = 'application/x-amz-json-1.0';
/** A header that belongs to one connection. */
const OF_A_CONNECTION = /^(connection|host|content-length|transfer-encoding|expect|keep-alive)$/;

/**
 * Stands before AWS's services for one function and refuses, as AWS does, what its role does not allow.
 *
 * @param services where DynamoDB is, and everything else
 */
export async function startProxy(
  permissions: Permission[],
  services: { dynamo: string; others: string },
) {
  const used = new Set<Permission>();
  const refused = new Set<string>();
  const unknown: unknown[] = [];
  let trouble: Trouble = 'none';

  /** @returns the call that the role does not allow */
  const check = (request: AwsRequest) => {
    for (const call of callsOf(request)) {
      const permission = allowing(permissions, call);
      if (!permission) return call;
      used.add(permission);
    }
    return undefined;
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = {
      target: String(incoming.headers['x-amz-target'] ?? ''),
      path: incoming.url ?? '/',
      body: await text(incoming),
    };
    const denied = check(request);
    if (denied) refused.add(`${denied.action} on ${denied.resource}`);
    const answer = denied
      ? accessDenied(request, denied)
      : (troubled(request, trouble) ?? (await forward(incoming, request, services)));
    response.writeHead(answer.status, { 'content-type': answer.type, ...answer.headers });
    response.end(answer.body);
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error) => {
      unknown.push(error);
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    used,
    /** The calls that the role did not allow. */
    refused,
    /** Requests that the proxy could not judge or hand on. */
    unknown,
    async during<T>(kind: Trouble, work: () => Promise<T>): Promise<T> {
      trouble = kind;
      try {
        return await work();
      } finally {
        trouble = 'none';
      }
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const isDynamo = ({ target }: AwsRequest) => target.startsWith('DynamoDB_');
const isProvider = (request: AwsRequest) => request.target === '';

async function forward(
  { headers, method = 'POST' }: IncomingMessage,
  request: AwsRequest,
  services: { dynamo: string; others: string },
): Promise<Answer> {
  const base = isDynamo(request) ? services.dynamo : services.others;
  const kept = Object.entries(headers).filter(([name]) => !OF_A_CONNECTION.test(name));
  const answer = await fetch(new URL(request.path, base), {
    method,
    headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
    body: request.body,
    signal: AbortSignal.timeout(10_000),
  });
  const errorType = answer.headers.get('x-amzn-errortype');
  return {
    status: answer.status,
    type: answer.headers.get('content-type') ?? JSON_TYPE,
    ...(errorType && { headers: { 'x-amzn-errortype': errorType } }),
    body: await answer.text(),
  };
}

function troubled(request: AwsRequest, trouble: Trouble): Answer | undefined {
  if (trouble === 'throttled' && isDynamo(request)) {
    return refusal(request, 400, 'ThrottlingException', 'Rate exceeded');
  }
  if (trouble === 'providers away' && isProvider(request)) {
    return refusal(request, 503, 'ServiceUnavailable', 'Service is unable to handle request.');
  }
  return undefined;
}

function accessDenied(request: AwsRequest, { action, resource }: Call): Answer {
  const message = `User is not authorized to perform: ${action} on resource: ${resource}`;
  const isSns = new URLSearchParams(request.body).has('Action');
  const code = isSns ? 'AuthorizationError' : 'AccessDeniedException';
  return refusal(request, isDynamo(request) ? 400 : 403, code, message);
}

/** An error in the words of the service's protocol: AWS's JSON, REST with JSON, or XML for SNS. */
function refusal(request: AwsRequest, status: number, code: string, message: string): Answer {
  if (new URLSearchParams(request.body).has('Action')) {
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
    const body = `<ErrorResponse>${error}<RequestId>r</RequestId></ErrorResponse>`;
    return { status, type: 'text/xml', body };
  }
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message });
  return { status, type: JSON_TYPE, headers: { 'x-amzn-errortype': code }, body };
}
