import * as z from 'zod';

const success = z.literal(true);

/** The schema of an answer that `ok` makes, without a message. */
export function okSchema<T extends z.ZodType>(data: T) {
  return z.strictObject({ success, data });
}

/** The schema of an answer that `ok` makes of the entries of a list. */
export function pageSchema<T extends z.ZodType>(entry: T) {
  return z.strictObject({
    success,
    data: z.array(entry),
    nextCursor: z.string().nullable().describe('Null at the end of the list.'),
  });
}
