/** The words for what a schema refuses: settings, requests, and the test kit's own input. */
import type { z } from 'zod';
import { plural } from './plural.ts';

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
  tuple: 'a list',
};

/**
 * The words for a broken rule, for zod's `safeParse(value, { error: refusalOf })`. A schema's own message
 * wins; where this answers undefined, zod's message stays.
 */
export function refusalOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${listed(issue.values)}`;
    case 'unrecognized_keys':
      return `${listed(issue.keys)} ${issue.keys.length > 1 ? 'are' : 'is'} not known here`;
    case 'too_small':
      return bound(issue, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    case 'invalid_union':
      if (Array.isArray(issue.options)) return `must be one of ${listed(issue.options)}`;
      return ofUnion(issue.errors);
    default:
      return undefined;
  }
}

/** The faults that a schema has found, each with the name of its field. */
export function faultsOf(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map(({ path, message }) => [path.map(String).join('.'), message].filter(Boolean).join(': '))
    .join('; ');
}

function listed(values: readonly z.core.util.Primitive[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

function bound({ origin }: { origin: string }, side: string, limit: number | bigint): string {
  const noun = { array: 'item', string: 'character' }[origin];
  return noun ? `must have ${side} ${plural(Number(limit), noun)}` : `must be ${side} ${limit}`;
}

/** The faults of the form that comes nearest; the forms themselves if the value is of another kind. */
function ofUnion(forms: readonly (readonly z.core.$ZodIssue[])[]): string | undefined {
  const [nearest] = forms
    .filter((faults) => !faults.some(isOfKind))
    .toSorted((a, b) => a.length - b.length);
  if (nearest) return faultsOf(nearest);
  const kinds = forms
    .flat()
    .filter(isOfKind)
    .map(({ message }) => message.replace(/^must be /, ''));
  return kinds.length > 0 ? `must be ${[...new Set(kinds)].join(' or ')}` : undefined;
}

function isOfKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}
