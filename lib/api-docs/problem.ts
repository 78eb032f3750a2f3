import * as z from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { dependenciesSchema } from '../health/check.ts';

/** The body of every refused or failed request. */
export const problemSchema = z.strictObject({
  success: z.literal(false),
  type: z.string().describe('Address of what the documentation says about this code.'),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().describe('Names this one occurrence; our log has it too.'),
  code: z.enum(Object.keys(ERRORS) as ErrorCode[]),
  errors: z
    .array(z.strictObject({ path: z.string(), message: z.string() }))
    .describe('Every fault of the request, each with its path.')
    .optional(),
  currentVersion: z.int().min(0).describe('The version that is stored now.').optional(),
  allowed: z.array(z.string()).describe('The statuses that the order can take now.').optional(),
  dependencies: dependenciesSchema.optional(),
});
