import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { callersOf } from '../../support/callers.ts';
import { call, type Reply } from '../../support/http.ts';
import { untouched } from '../../support/untouched.ts';

/** The functions' own time limit; after it the caller would not learn the reason. */
const FUNCTION_TIMEOUT_MS = 10_000;

/** The ways in which a DynamoDB that hangs, or is away behind a proxy, treats a request. */
const HANGING = {
  'says nothing': '',
  'breaks off in its head': 'HTTP/1.1 200 OK\r\nx-amzn-requestid: 1\r\n',
  'answers 503 by the page of a proxy':
    'HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\nbusy',
  'answers 503 without a body':
    'HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
  'answers 500 without a type':
    'HTTP/1.1 500 Oops\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}',
  'breaks off in its body': 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Item":',
};

const id = '0192f0c1-2345-7abc-8def-0123456789ab';
const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

let stop: () => void = () => undefined;
afterEach(() => stop());

async function hangingDeps(greeting: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('data', () => socket.write(greeting));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dynamo = createDynamo({
    region: 'us-east-1',
    dynamoEndpoint: `http://127.0.0.1:${port}`,
  });
  stop = () => {
    dynamo.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const repository = createRepository({ dynamo, table: 'orders', clock: systemClock });
  return { repository, producer: untouched<Producer>(), topic: 't', clock: systemClock };
}

async function withinTheLimit(reply: Promise<Reply>): Promise<Reply> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('timed out')), FUNCTION_TIMEOUT_MS);
  return Promise.race([reply, late.promise]).finally(() => clearTimeout(timer));
}

type Deps = Awaited<ReturnType<typeof hangingDeps>>;

function create(deps: Deps, headers = {}) {
  return call(createCreateOrder({ ...deps, callers: callersOf() }), {
    method: 'POST',
    headers,
    body,
  });
}

function move(deps: Deps) {
  const request = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  return call(createUpdateStatus({ ...deps, callers: callersOf() }), request);
}

test.each(Object.entries(HANGING))(
  'with a DynamoDB that %s every caller is answered 503 in time',
  async (_, greeting) => {
    const deps = await hangingDeps(greeting);
    const customer = { pathParameters: { customerId: 'c' } };
    const requests = {
      create: create(deps),
      'create with a key': create(deps, { 'idempotency-key': 'k' }),
      move: move(deps),
      read: call(createGetOrder({ repository: deps.repository, callers: callersOf() }), {
        pathParameters: { id },
      }),
      list: call(
        createListByCustomer({ repository: deps.repository, callers: callersOf() }),
        customer,
      ),
    };
    for (const [name, request] of Object.entries(requests)) {
      const { status, body: problem, headers } = await withinTheLimit(request);
      const answered = [name, status, problem.code, headers['retry-after']];
      expect(answered).toEqual([name, 503, 'DATABASE_AWAY', '5']);
    }
  },
);
