import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createDynamo } from '../../lib/dynamo.ts';
import { addresses } from './orders.ts';

/** The fault of one try of a request: none, or the answer that it gets instead. */
export type Fault = 'none' | 'throttled' | 'answer lost' | 'never sent' | 'conflict';

/**
 * A client whose tries of a request meet the faults given, each once and in their order, below the
 * SDK's own retries. `tries` counts what came to that point, by the command's name.
 */
export function faultyDynamo(commandName: string, faults: Iterable<Fault>) {
  const client = createDynamo({ region: 'us-east-1', ...addresses() });
  const tries = countTries(client);
  const next = faults[Symbol.iterator]();
  client.middlewareStack.add(
    (send, context) => async (args) => {
      const fault = context.commandName === commandName ? next.next().value : 'none';
      if (fault === 'throttled') throw throttling();
      if (fault === 'conflict') throw conflict();
      if (fault === 'never sent') throw reset();
      const answer = await send(args);
      if (fault === 'answer lost') {
        Object(answer.response).body?.resume(); // Unread, it would keep its connection open.
        throw reset();
      }
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'faults' },
  );
  return { client, tries };
}

/** A fault at every try. */
export function* always(fault: Fault): Generator<Fault> {
  for (;;) yield fault;
}

/** Counts a client's tries of requests from now on, by the command's name. */
function countTries(client: DynamoDBDocumentClient): Record<string, number> {
  const tries: Record<string, number> = {};
  client.middlewareStack.add(counting(tries), {
    step: 'finalizeRequest',
    priority: 'low',
    name: 'tries',
  });
  return tries;
}

/** Counts the requests that a client makes from now on, by the command's name, and no repetition. */
export function countRequests(client: DynamoDBDocumentClient): Record<string, number> {
  const requests: Record<string, number> = {};
  client.middlewareStack.add(counting(requests), { step: 'initialize', name: 'requests' });
  return requests;
}

function counting(counts: Record<string, number>) {
  return <Args, Out>(send: (args: Args) => Promise<Out>, context: { commandName?: string }) =>
    async (args: Args) => {
      const name = String(context.commandName).replace(/Command$/, '');
      counts[name] = (counts[name] ?? 0) + 1;
      return send(args);
    };
}

function throttling(): Error {
  return Object.assign(new Error('Rate exceeded'), {
    name: 'ThrottlingException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    $retryable: { throttling: true },
  });
}

/** DynamoDB's answer to a transaction while another one writes the same item. */
function conflict(): Error {
  return new TransactionCanceledException({
    message: 'Transaction cancelled',
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
  });
}

function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' });
}
