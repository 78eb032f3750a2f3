import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Write units by `table` or the name of an index; one that took none is absent. */
export type Units = Record<string, number>;

const WRITES = new Set(['Put', 'Update', 'Delete', 'TransactWrite']);

/**
 * Counts the write units of a client from now on, as DynamoDB Local reports them. It counts by AWS's
 * rules, which units.test.ts checks:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 * A refused write is not counted, since its error does not name its units.
 */
export function countUnits(client: DynamoDBDocumentClient): Units {
  const units: Units = {};
  const count = ({ Table, GlobalSecondaryIndexes = {} }: ConsumedCapacity, share: number) => {
    for (const [name, taken] of Object.entries({ table: Table, ...GlobalSecondaryIndexes })) {
      units[name] = (units[name] ?? 0) + (taken?.CapacityUnits ?? 0) * share;
    }
  };
  client.middlewareStack.add(
    (send, { commandName = '' }: { commandName?: string }) =>
      async (args) => {
        const name = commandName.replace(/Command$/, '').replace(/Items?$/, '');
        if (!WRITES.has(name)) return send(args);
        Object.assign(args.input, { ReturnConsumedCapacity: 'INDEXES' });
        const answer = await send(args);
        const { ConsumedCapacity: taken = [] } = answer.output as {
          ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[];
        };
        // DynamoDB Local doubles a transaction twice.
        for (const one of [taken].flat()) count(one, name === 'TransactWrite' ? 1 / 2 : 1);
        return answer;
      },
    { step: 'initialize', name: 'units' },
  );
  return units;
}

/** The units of the table and of every index together. */
export function sumOf(units: Units): number {
  return Object.values(units).reduce((sum, taken) => sum + taken, 0);
}
