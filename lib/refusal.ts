import type { StandardSchemaV1 } from '@standard-schema/spec';
import type * as z from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

/**
 * The words for a broken rule, for zod's `safeParse(value, { error: refusal })`. A schema's own message
 * wins; where this answers undefined, zod's message stays.
 */
export function refusal(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${listed(issue.values)}`;
    case 'too_small':
      return bound(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_format':
      return issue.format === 'email' ? 'must be an email address' : undefined;
    default:
      return undefined;
  }
}

/** The schema as a Standard Schema that says broken rules in these words. */
export function worded<T>(schema: z.ZodType<T>): StandardSchemaV1<unknown, T> {
  const validate = (value: unknown) => {
    const { data, error } = schema.safeParse(value, { error: refusal });
    return error ? { issues: error.issues } : { value: data as T };
  };
  return { '~standard': { version: 1, vendor: 'orders', validate } };
}

function listed(values: readonly z.core.util.Primitive[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function bound({ origin }: { origin: string }, side: string, limit: number | bigint): string {
  if (origin === 'array') return `must have ${side} ${limit} ${limit === 1 ? 'item' : 'items'}`;
  if (origin !== 'string') return `must be ${side} ${limit}`;
  return `must have ${side} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
}
