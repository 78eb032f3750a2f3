// A process that does one thing and may be killed before its answer. Its argument names the work; it sends
// its answer by IPC.

import { createHandler as createCreateOrder } from '../../functions/createOrder/handler.ts';
import { createHandler as createRelayOutbox } from '../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../functions/updateStatus/handler.ts';
import { systemClock } from '../../lib/clock.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { createProducer } from '../../lib/kafka/producer.ts';
import { createRepository, type TableLayout } from '../../lib/order/repository.ts';
import type { RunOn } from '../../lib/run-on.ts';
import { callersOf } from '../support/callers.ts';
import { call, lambdaContext, type Reply } from '../support/http.ts';
import { type Fault, plant } from './faults.ts';
import { type Leaderless, loseLeader } from './leaderless.ts';

export type Task =
  | { do: 'create'; customerId: string; key: string }
  | { do: 'move'; id: string; status: string; expectedVersion?: number }
  | { do: 'relay' };

export type Errand = {
  task: Task;
  fault?: Fault;
  leaderless?: Leaderless;
  brokers: string[];
  dynamoEndpoint: string;
  table: string;
  /** As in a rolling deployment, processes of both layouts work on the same order. */
  layout: TableLayout;
  topic: string;
  /** The answer comes before the mark, as under Lambda; else it waits for the mark. */
  answersFirst: boolean;
};

/** The end of the work, which may come after the answer. */
let end: Promise<void> | undefined;

async function run(errand: Errand): Promise<Reply> {
  const { task, fault, leaderless, brokers, dynamoEndpoint, table, layout, topic } = errand;
  const runOn: RunOn | undefined = errand.answersFirst
    ? (until) => {
        end = until;
      }
    : undefined;
  if (leaderless) loseLeader(leaderless, portOf(brokers[0] ?? ''));
  if (fault) plant(fault, { kafka: portOf(brokers[0] ?? ''), dynamodb: portOf(dynamoEndpoint) });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const deps = {
    repository: createRepository({ dynamo, table, clock: systemClock }, layout),
    producer: createProducer(brokers),
    topic,
    clock: systemClock,
    runOn,
  };
  if (task.do === 'create') {
    const items = [{ productId: 'p', quantity: 1, price: 5 }];
    return call(createCreateOrder({ ...deps, callers: callersOf() }), {
      method: 'POST',
      path: '/api/orders',
      headers: { 'idempotency-key': task.key },
      body: { customerId: task.customerId, items },
    });
  }
  if (task.do === 'move') {
    const { id, status, expectedVersion } = task;
    const body = { status, ...(expectedVersion !== undefined && { expectedVersion }) };
    const request = { method: 'PUT', pathParameters: { id }, body };
    return call(createUpdateStatus({ ...deps, callers: callersOf() }), request);
  }
  // As if the time that handlers are given before the relay steps in were over.
  const clock = { now: () => new Date(Date.now() + 60_000) };
  const body = await createRelayOutbox({ ...deps, clock })({}, lambdaContext());
  return { status: 200, headers: {}, body };
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

run(JSON.parse(process.argv[2] ?? '')).then(
  (reply) => process.send?.(reply, () => (end ?? Promise.resolve()).finally(() => process.exit())),
  (error: unknown) => process.send?.({ status: 0, body: String(error) }, () => process.exit()),
);
