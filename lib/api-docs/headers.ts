import * as z from 'zod';
import type { AnswerHeader } from '../http/answer.ts';

/** The headers of answers as the API's document describes them. */
export const HEADERS = {
  ETag: {
    description: 'The version, for `If-Match`.',
    required: true,
    schema: z.string().regex(/^"(0|[1-9][0-9]*)"$/),
    example: '"1"',
  },
  Location: {
    description: 'The address of the new order.',
    required: true,
    schema: z.string().regex(/^\/api\/orders\/[0-9a-f-]{36}$/),
    example: '/api/orders/0192f0c1-2345-7abc-8def-0123456789ab',
  },
  'Idempotent-Replay': {
    description: 'The order was placed by an earlier request with the same `Idempotency-Key`.',
    required: false,
    schema: z.literal('true'),
    example: 'true',
  },
  'Retry-After': {
    description: 'The same request may succeed after this number of seconds.',
    required: true,
    schema: z.string().regex(/^[0-9]+$/),
    example: '5',
  },
  Allow: {
    description: 'The methods that this address takes.',
    required: true,
    schema: z.string(),
    example: 'POST, OPTIONS',
  },
  'WWW-Authenticate': {
    description: 'The reason why the token is refused, and the scope that it needs (RFC 6750).',
    required: true,
    schema: z.string().regex(/^Bearer /),
    example: 'Bearer realm="orders"',
  },
} satisfies Record<
  AnswerHeader,
  { description: string; required: boolean; schema: z.ZodType; example: string }
>;
