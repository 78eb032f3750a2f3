/** Changes the table of infra/table.yml as the stage's settings say. */
import Refusal from '../../infra/refusal.cjs';

type Index = { IndexName: string; WarmThroughput?: Warm } & Record<string, unknown>;
type Warm = { WriteUnitsPerSecond: number };
type Table = {
  AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
  GlobalSecondaryIndexes: Index[];
  WarmThroughput?: Warm;
};

/** The parts of the service that this file reads and changes. */
export type TableService = {
  custom?: { stage?: { tableLayout?: unknown; warmWrites?: unknown } };
  resources?: { Resources?: Record<string, unknown> };
};

/** The index that releases before TABLE_LAYOUT search by time of change, in place of `byDay`. */
const BY_CHANGE: Index = {
  IndexName: 'byChange',
  KeySchema: [
    { AttributeName: 'changeShard', KeyType: 'HASH' },
    { AttributeName: 'updatedAt', KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['createdAt'] },
};

/**
 * - Layout 1 keeps the index of earlier releases: DynamoDB makes or removes one index in an update, so a
 *   table gets `byDay` in the first deployment, and loses `byChange` in the second.
 * - `warmWrites` is the rate of writes for which the table and each index are ready at once.
 *   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
 *
 * @throws Refusal for a rate that is not a whole number
 */
export function adjustTable({ custom, resources }: TableService): void {
  const { tableLayout, warmWrites } = custom?.stage ?? {};
  const definition = resources?.Resources?.OrdersTable as { Properties: Table } | undefined;
  if (!definition) return;
  const table = definition.Properties;
  if (String(tableLayout) === '1') {
    table.AttributeDefinitions.push({ AttributeName: 'updatedAt', AttributeType: 'S' });
    table.GlobalSecondaryIndexes.push({ ...BY_CHANGE });
  }
  if (warmWrites === undefined || warmWrites === '') return;
  const rate = Number(warmWrites);
  if (!Number.isInteger(rate) || rate < 1) {
    throw new Refusal(
      `TABLE_WARM_WRITES is "${warmWrites}". Set it to a whole number of write units a second, such as 8000.`,
    );
  }
  for (const one of [table, ...table.GlobalSecondaryIndexes]) {
    one.WarmThroughput = { WriteUnitsPerSecond: rate };
  }
}
