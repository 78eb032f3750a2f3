// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the framework's own references.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateTableCommandInput, TimeToLiveSpecification } from '@aws-sdk/client-dynamodb';
import { parse } from 'yaml';
import { z } from 'zod';
import names from '../infra/names.cjs';

const file = join(import.meta.dirname, '../serverless.yml');

const Topic = z.strictObject({
  name: z.string(),
  partitions: z.int().min(1),
  /** Kafka's own limit, 1 MB, where it is absent. */
  maxMessageBytes: z.int().min(1).optional(),
});

const Yml = z.looseObject({ custom: z.looseObject({}) });

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

/** The table and the topics of stage local as serverless.yml defines them: there is no second definition. */
export function readDefinition(env = process.env, text = readFileSync(file, 'utf8')): Definition {
  const yml = Yml.parse(parse(text));
  yml.custom.names = names.namesOf('local', env);
  const read = (path: string) => resolve(at(yml, path), yml);
  const parsed = Wanted.safeParse({
    topics: read('custom.topics'),
    table: read('resources.Resources.OrdersTable.Properties'),
  });
  if (!parsed.success) {
    throw new Error(`serverless.yml, read for npm start: ${z.prettifyError(parsed.error)}`);
  }
  const { table, topics } = parsed.data;
  // CloudFormation's properties of a table are CreateTable's parameters; DynamoDB checks the rest.
  return { table: table as unknown as Table, topics };
}

/** Replaces `${self:path}`. The framework knows many more forms; any of those here is an error, not a guess. */
function resolve(value: unknown, yml: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, yml));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v, yml)]));
  }
  if (typeof value !== 'string') return value;
  const whole = /^\$\{([^{}]+)\}$/.exec(value)?.[1];
  if (whole) return lookUp(whole, yml);
  return value.replace(/\$\{([^{}]*)\}?/g, (_, reference) => `${lookUp(reference, yml)}`);
}

function lookUp(reference: string, yml: unknown): unknown {
  const self = /^self:([\w.]+)$/.exec(reference)?.[1];
  if (self) return resolve(at(yml, self), yml);
  throw new Error(
    `serverless.yml: npm start cannot read \${${reference}} in the table or the topics. ` +
      'It knows ${self:path}.',
  );
}

function at(yml: unknown, path: string): unknown {
  const value = path.split('.').reduce<unknown>((node, key) => {
    return typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined;
  }, yml);
  if (value === undefined) throw new Error(`serverless.yml has no ${path}, which npm start needs.`);
  return value;
}
