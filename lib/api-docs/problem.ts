import * as z from 'zod';
import { AppError, ERRORS, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { dependenciesSchema } from '../health/api.ts';
import { problem } from '../http/answer.ts';

const EXAMPLE_INSTANCE = '6f1d3a52-8f0e-4c1b-9a44-0d6a3f2b7c11';

/** The body of every refused or failed request. */
export const problemSchema = z.strictObject({
  success: z.literal(false),
  type: z.string().describe('The address of this code in the documentation.'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().describe('The id of this occurrence, which our log has too.'),
  code: z.enum(Object.keys(ERRORS) as ErrorCode[]),
  errors: z
    .array(z.strictObject({ path: z.string(), message: z.string() }))
    .describe('Every fault of the request, each with its path.')
    .optional(),
  currentVersion: z.int().min(0).describe('The version that is stored now.').optional(),
  allowed: z.array(z.string()).describe('The statuses that the order can take now.').optional(),
  scope: z.string().describe('The scope that the token lacks.').optional(),
  dependencies: dependenciesSchema.optional(),
});

/** The detail and the further fields that the example of an error code shows. */
const EXAMPLES: Partial<Record<ErrorCode, [detail: string, details?: ErrorDetails]>> = {
  VALIDATION: [
    'One field breaks the rules; "errors" names each.',
    { errors: [{ path: 'items.0.price', message: 'may have two decimals at most' }] },
  ],
  PREFERENCES_CHANGED: [
    'The preferences are at version 2, which "if-match" does not name.',
    { currentVersion: 2 },
  ],
  VERSION_MISMATCH: ['The order has version 3.', { currentVersion: 3 }],
  MOVE_NOT_ALLOWED: [
    'From "shipped" an order cannot become "cancelled". Allowed: delivered.',
    { currentVersion: 3, allowed: ['delivered'] },
  ],
  TOKEN_MISSING: ['The header "authorization" has no bearer token.'],
  TOKEN_INVALID: ['The token is for another API: see its "aud".'],
  TOKEN_EXPIRED: ['The time in the claim "exp" of the token is over.'],
  SCOPE_MISSING: ['The token needs the scope "orders:read".', { scope: 'orders:read' }],
  NOT_YOURS: ['Your token stands for another customer.'],
  TOO_MANY_REQUESTS: ['You send more requests than are allowed in a minute. Wait 12 s.'],
  LINK_INVALID: ['This link is not one of ours, or not all of it is here.'],
  ORDER_NOT_FOUND: ['No order has this id.'],
  DATABASE_AWAY: ['DynamoDB did not answer in time.'],
};

/** The body of an error as an example. */
export function problemExample(code: ErrorCode): object {
  const [detail = `${ERRORS[code].title}.`, details] = EXAMPLES[code] ?? [];
  return problem(new AppError(code, detail, details), EXAMPLE_INSTANCE).body as object;
}
