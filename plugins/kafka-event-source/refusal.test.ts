import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { refusalOf } from './refusal.ts';

const memory = z.union([
  z.literal(false),
  z.strictObject({ days: z.number().min(1), private: z.array(z.string()).optional() }),
]);

test.each<[z.ZodType, unknown, string]>([
  [z.object({ a: z.string() }), {}, 'is missing'],
  [z.boolean(), 'on', 'must be true or false'],
  [z.record(z.string(), z.string()), 'a', 'must be an object'],
  [z.enum(['none', 'aws']), 'gcp', 'must be one of "none", "aws"'],
  [z.strictObject({}), { a: 1 }, '"a" is not known here'],
  [z.strictObject({}), { a: 1, b: 1 }, '"a", "b" are not known here'],
  [z.int().max(65_535), 70_000, 'must be at most 65535'],
  [z.array(z.string()).min(1), [], 'must have at least 1 item'],
  [z.string().max(2), 'abc', 'must have at most 2 characters'],
  [z.union([z.string(), z.array(z.string())]), 5, 'must be a text or a list'],
  [z.union([z.string(), z.number()], { error: 'must be a port' }), [], 'must be a port'],
  [
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a') }),
      z.object({ kind: z.literal('b') }),
    ]),
    { kind: 'c' },
    'must be one of "a", "b"',
  ],
  [z.number().positive(), 0, 'must be more than 0'],
  [memory, 'yes', 'must be false or an object'],
  [memory, { days: 0 }, 'must be at least 1'],
  [memory, { days: 'x', dayz: 1 }, 'days: must be a number; "dayz" is not known here'],
])('%# what a schema refuses is said in words', (schema, value, message) => {
  const { error } = schema.safeParse(value, { error: refusalOf });
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
