import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateTableCommandInput, TimeToLiveSpecification } from '@aws-sdk/client-dynamodb';
import { parse } from 'yaml';
import { z } from 'zod';
import names from '../infra/names.cjs';

const SERVICE = 'serverless.yml';
const TABLE = 'infra/table.yml';
const NAME = /\$\{file\(\.\/infra\/names\.cjs\):(\w+)\}/g;

const Topic = z.strictObject({
  name: z.string(),
  partitions: z.int().min(1),
  /** Used in the cloud only. */
  retentionDays: z.int().min(1).optional(),
  /** Kafka's own limit, 1 MB, where it is absent. */
  maxMessageBytes: z.int().min(1).optional(),
});

const Wanted = z.object({
  topics: z.array(Topic).min(1),
  table: z.looseObject({ TableName: z.string(), KeySchema: z.array(z.unknown()) }),
});

export type Topic = z.infer<typeof Topic>;

export type Table = CreateTableCommandInput & {
  TableName: string;
  TimeToLiveSpecification?: TimeToLiveSpecification;
};

export type Definition = { table: Table; topics: Topic[] };

/**
 * The topics of stage local as serverless.yml defines them, and its table as infra/table.yml does: there
 * is no second definition.
 *
 * @throws Error when one of them is not as it must be, or refers to anything but a name of infra/names.cjs
 */
export function readDefinition(env = process.env, read = readOf): Definition {
  const own = new Map(Object.entries(names.namesOf('local', env)));
  const yml = (file: string) =>
    parse(read(file).replace(NAME, (whole, name) => own.get(name) ?? whole));
  const parsed = Wanted.safeParse({
    topics: yml(SERVICE)?.custom?.topics,
    table: yml(TABLE)?.Resources?.OrdersTable?.Properties,
  });
  if (!parsed.success) {
    throw new Error(`${SERVICE} and ${TABLE}, for npm start: ${z.prettifyError(parsed.error)}`);
  }
  const [reference] = /\$\{[^"]*/.exec(JSON.stringify(parsed.data)) ?? [];
  if (reference !== undefined) {
    throw new Error(
      `npm start cannot read ${reference} in the topics of ${SERVICE} or the table of ${TABLE}. ` +
        'It knows the names of infra/names.cjs.',
    );
  }
  const { table, topics } = parsed.data;
  // CloudFormation's properties of a table are CreateTable's parameters; DynamoDB checks the rest.
  return { table: table as unknown as Table, topics };
}

function readOf(file: string): string {
  return readFileSync(join(import.meta.dirname, '..', file), 'utf8');
}
