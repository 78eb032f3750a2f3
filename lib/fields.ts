import * as z from 'zod';

/** RFC 5321: 64 characters before the @, 63 in a label of the domain, no hyphen at a label's end. */
const EMAIL =
  /^(?=[^@]{1,64}@)[A-Za-z0-9_'+-]+(?:\.[A-Za-z0-9_'+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;
const MAX_EMAIL = 254;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The id of a customer or a product, as other systems give it. */
export const identifier = z
  .string()
  .regex(/^[A-Za-z0-9._:@-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 . _ : @ -');

/** The addresses of a customer. */
export const email = z.email({ pattern: EMAIL }).max(MAX_EMAIL);
export const phone = z
  .string()
  .regex(/^\+[1-9][0-9]{1,14}$/, 'must be an E.164 number such as +15550100');

/** The number of list entries in one answer, as the query's text. */
export const limit = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_LIMIT))
  .default(DEFAULT_LIMIT);
