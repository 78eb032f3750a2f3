import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from '@jest/globals';
import { v7 as uuidV7 } from 'uuid';
import { systemClock } from '../../../lib/clock.ts';
import { createCustomers } from '../../../lib/notification/preferences/customers.ts';
import { DEFAULTS, type Preferences } from '../../../lib/notification/preferences/preferences.ts';
import { eventOf } from '../../../lib/order/events.ts';
import { firstVersion } from '../../../lib/order/order.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import type { OrderBench } from '../../support/orders.ts';
import { ROOT } from '../../support/root.ts';
import type { Lambda } from '../lambda.ts';
import type { startProxy } from './proxy.ts';

/** A request to a function behind the API, as it differs from its good sample. */
type Request = {
  method?: string;
  path?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
};

type HttpAnswer = { statusCode: number; headers: Record<string, string>; body: string };

/** The things that a sample may use: the function, its proxy, and the table behind the proxy. */
export type World = ReturnType<typeof createWorld>;

export function createWorld(given: {
  key: string;
  lambda: Lambda;
  proxy: Awaited<ReturnType<typeof startProxy>>;
  bench: OrderBench;
  authorization?: string | undefined;
}) {
  const { key, lambda, proxy, bench, authorization } = given;
  const { dynamo, table, repository } = bench;
  const customers = createCustomers({ dynamo, table, clock: systemClock });
  const sample = async () => JSON.parse(await readFile(join(ROOT, `events/${key}.json`), 'utf8'));

  /** An invocation that must succeed. */
  const invoke = async (event: unknown): Promise<unknown> => {
    const outcome = await lambda.invoke(event);
    if ('answer' in outcome) return outcome.answer;
    throw new Error(`${key}: ${JSON.stringify(outcome.error)}\n${lambda.log()}`);
  };

  return {
    bench,
    lambda,
    proxy,
    sample,
    invoke,

    /** A request that must be answered with this status. */
    async request(status: number, change: Request = {}) {
      const event = await sample();
      const { method, path, query, headers, body } = change;
      if (method) event.requestContext.http.method = method;
      if (path) event.pathParameters = path;
      if (query) event.queryStringParameters = query;
      Object.assign(event.headers, authorization && { authorization }, headers);
      if (body !== undefined)
        Object.assign(event, { body: JSON.stringify(body), isBase64Encoded: false });
      const answer = (await invoke(event)) as HttpAnswer;
      expect([answer.statusCode, answer.body]).toEqual([status, expect.anything()]);
      return {
        headers: answer.headers,
        body: answer.body.startsWith('{') && JSON.parse(answer.body),
      };
    },

    /** A new order in the table, its first event not published, with the age that the relay waits for. */
    async placeOrder(customerId: string = crypto.randomUUID()) {
      const items = [{ productId: 'p', quantity: 1, price: 5 }];
      const id = uuidV7();
      const longAgo = new Date(Date.now() - 600_000);
      const order = firstVersion(id, { customerId, items, currency: 'USD' }, longAgo);
      const event = eventOf(order, { id: crypto.randomUUID(), traceparent: '' });
      await repository.insert({ order, events: [event] });
      return order;
    },

    async prefer(customerId: string, change: Partial<Preferences>) {
      await customers.save(customerId, { ...DEFAULTS, ...change }, undefined);
    },

    /** Sets fields of an item of the table without the function. */
    async change(item: { pk: string; sk: string }, fields: Record<string, unknown>) {
      const names = Object.keys(fields);
      const update = new UpdateCommand({
        TableName: table,
        Key: item,
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(fields).map(([name, value]) => [`:${name}`, value]),
        ),
      });
      await dynamo.send(update);
    },

    /** One batch for `notify`; the answer, or that it failed as a whole. */
    async deliver(...records: (OrderEvent | string)[]) {
      const event = {
        eventSource: 'SelfManagedKafka',
        bootstrapServers: bench.brokers.join(','),
        records: {
          [`${bench.topic}-0`]: records.map((record, offset) => {
            const value = typeof record === 'string' ? record : JSON.stringify(record);
            return {
              topic: bench.topic,
              partition: 0,
              offset,
              timestamp: 1795168800012,
              timestampType: 'CREATE_TIME',
              key: Buffer.from('k').toString('base64'),
              value: Buffer.from(value).toString('base64'),
              headers: [],
            };
          }),
        },
      };
      return lambda.invoke(event);
    },
  };
}
