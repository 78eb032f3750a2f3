import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent, request } from 'node:http';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createHandler as createOrder } from '../../functions/createOrder/handler.ts';
import { handler as docs } from '../../functions/docs/handler.ts';
import { createHandler as getOrder } from '../../functions/getOrder/handler.ts';
import { createHandler as getPreferences } from '../../functions/getPreferences/handler.ts';
import { createHandler as health } from '../../functions/health/handler.ts';
import { createHandler as listByCustomer } from '../../functions/listByCustomer/handler.ts';
import { createHandler as listNotifications } from '../../functions/listNotifications/handler.ts';
import { createHandler as listOrderEvents } from '../../functions/listOrderEvents/handler.ts';
import { createHandler as notFound } from '../../functions/notFound/handler.ts';
import { createHandler as putPreferences } from '../../functions/putPreferences/handler.ts';
import { createHandler as unsubscribe } from '../../functions/unsubscribe/handler.ts';
import { createHandler as updateStatus } from '../../functions/updateStatus/handler.ts';
import { systemClock } from '../../lib/clock.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { fits, ROUTES, type Route } from '../../lib/http/routes.ts';
import type { Callers } from '../../lib/identity/callers.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRepository } from '../../lib/order/repository.ts';
import { httpEvent, lambdaContext } from '../support/http.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

/** A request as it is sent: the path is encoded, names may come twice. */
export type Sent = { method: string; path: string; query: Pairs; headers: Pairs; body?: string };

/** `calls`: the functions' requests to DynamoDB, if they run in this process. */
export type Answer = {
  status: number;
  headers: Record<string, string>;
  text: string;
  calls?: string[];
};

export type Send = (sent: Sent) => Promise<Answer>;

/** The secret by which stage `local` signs the links to unsubscribe. */
export const LINKS = {
  url: 'http://localhost/api/unsubscribe/',
  secrets: ['for-this-laptop-alone'],
} as const;

type Handler = (event: unknown, context: ReturnType<typeof lambdaContext>) => Promise<unknown>;

/** The handlers in this process, on a real table, without Kafka: each event counts as published. */
export function sendToHandlers(at: { endpoint: string; table: string }, callers: Callers): Send {
  const calls = new AsyncLocalStorage<string[]>();
  const client = createDynamo({ region: 'us-east-1', dynamoEndpoint: at.endpoint });
  const dynamo = new Proxy(client, {
    get(target, name) {
      if (name !== 'send') return Reflect.get(target, name, target);
      return (command: { input: object }, ...rest: []) => {
        calls.getStore()?.push(`${command.constructor.name} ${JSON.stringify(command.input)}`);
        return target.send(command as Parameters<DynamoDBDocumentClient['send']>[0], ...rest);
      };
    },
  });
  const store = { dynamo, table: at.table, clock: systemClock };
  const repository = createRepository(store);
  const nothing = async () => undefined;
  const producer = { send: nothing, disconnect: nothing, partitionOf: () => 0 };
  const deps = { ...store, repository, producer, topic: 'none', callers };
  const customers = createCustomers(store);
  const unsubscribing = unsubscribe(customers, LINKS);
  const functions: Record<Route, Handler> = {
    'POST /api/orders': createOrder(deps),
    'GET /api/orders/{id}': getOrder(deps),
    'PUT /api/orders/{id}/status': updateStatus(deps),
    'GET /api/orders/{id}/events': listOrderEvents(deps),
    'GET /api/orders/customer/{customerId}': listByCustomer(deps),
    'GET /api/customers/{customerId}/preferences': getPreferences({ customers, callers }),
    'PUT /api/customers/{customerId}/preferences': putPreferences({ customers, callers }),
    'GET /api/unsubscribe/{token}': unsubscribing,
    'POST /api/unsubscribe/{token}': unsubscribing,
    'GET /api/notifications': listNotifications({ ...store, callers }),
    'GET /api/health': health({
      clock: systemClock,
      backlog: () => repository.backlog.summary(),
      stuck: async () => [],
      checkKafka: async () => undefined,
      callers,
    }),
    'GET /api/docs': docs,
    'GET /api/openapi.json': docs,
  };
  const otherwise: Handler = notFound(callers);
  return async (sent) => {
    const { route, pathParameters } = routed(sent);
    const handler = route ? functions[route] : otherwise;
    const seen: string[] = [];
    const event = {
      ...httpEvent({ method: sent.method, path: sent.path, body: sent.body }),
      ...(pathParameters && { pathParameters }),
      ...(sent.query.length > 0 && { queryStringParameters: joined(sent.query) }),
      headers: joined(sent.headers.map(([name, value]) => [name.toLowerCase(), value])),
    };
    const result = (await calls.run(seen, () =>
      handler(event, lambdaContext()),
    )) as APIGatewayProxyStructuredResultV2;
    const headers = Object.entries(result.headers ?? {});
    return {
      status: result.statusCode ?? 0,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      text: result.body ?? '',
      calls: seen,
    };
  };
}

/** As the gateway does: from left to right a fixed word comes before a variable. Values are decoded. */
function routed({ method, path }: Sent) {
  const variables = (route: { path: string }) =>
    route.path.split('/').map((part) => Number(part.startsWith('{')));
  const [found] = ROUTES.filter((route) => route.methods.some((one) => one === method))
    .filter((route) => fits(route.path, path))
    .toSorted((one, other) => (String(variables(one)) < String(variables(other)) ? -1 : 1));
  if (!found) return {};
  const parts = path.split('/');
  const given = found.path
    .split('/')
    .flatMap((part, i) => (part.startsWith('{') ? [[part.slice(1, -1), decoded(parts[i])]] : []));
  return {
    route: `${method} ${found.path}` as Route,
    pathParameters: Object.fromEntries(given) as Record<string, string>,
  };
}

export function decoded(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The gateway joins the values of a name that comes twice. */
function joined(pairs: Pairs): Record<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = all.get(name);
    all.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(all);
}

/** The whole system over HTTP. Node's own client changes neither paths nor headers. */
export function sendOverHttp(url: string): Send {
  const { hostname, port, host } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return ({ method, path, query, headers, body }) => {
    const search = query.map(([name, value]) => `${plain(name)}=${plain(value)}`).join('&');
    const all: [string, string][] = [
      ['host', host],
      ...headers.map((one): [string, string] => [...one]),
    ];
    if (body !== undefined) all.push(['content-length', String(Buffer.byteLength(body))]);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sent = request(
      {
        hostname,
        port,
        agent,
        method,
        path: search ? `${plain(path)}?${search}` : plain(path),
        headers: all.flat(),
        timeout: 20_000,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
            ),
            text,
          }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.on('error', reject);
    sent.end(body);
    return promise;
  };
}

/** Encodes only characters that no client can send unencoded. */
function plain(text: string): string {
  return text.replace(/[^!-~]|[#]/gu, (one) => encodeURIComponent(one));
}
