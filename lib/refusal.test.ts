import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { refusal } from './refusal.ts';

test.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is missing'],
  [z.enum(['a', 'b']), undefined, 'is missing'],
  [z.string(), 5, 'must be a text'],
  [z.number(), '5', 'must be a number'],
  [z.int(), 0.5, 'must be a whole number'],
  [z.boolean(), 1, 'must be true or false'],
  [z.array(z.string()), 'a', 'must be a list'],
  [z.object({}), [], 'must be an object'],
  [z.object({}), null, 'must be an object'],
  [z.enum(['a', 'b']), 'c', 'must be one of "a", "b"'],
  [z.literal(1), 2, 'must be 1'],
  [z.number().min(0), -1, 'must be at least 0'],
  [z.number().positive(), 0, 'must be more than 0'],
  [z.int().max(100), 101, 'must be at most 100'],
  [z.array(z.string()).min(1), [], 'must have at least 1 item'],
  [z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 items'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.string().max(3), 'abcd', 'must have at most 3 characters'],
  [z.email(), 'a', 'must be an email address'],
  [z.string().regex(/b/, 'needs a b'), 'a', 'needs a b'],
])(
  '%# a broken rule is said in our words, unless the schema has its own',
  (schema, value, words) => {
    const { error } = schema.safeParse(value, { error: refusal });
    expect(error?.issues.map(({ message }) => message)).toEqual([words]);
  },
);
