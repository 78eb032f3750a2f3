import * as z from 'zod';

const success = z.literal(true);

/** The schema of an answer by `ok` with this data and no message. */
export function okSchema<T extends z.ZodType>(data: T) {
  return z.strictObject({ success, data });
}

/** The schema of an answer by `ok` with one page of a list. */
export function pageSchema<T extends z.ZodType>(entry: T) {
  return z.strictObject({
    success,
    data: z.array(entry),
    nextCursor: z.string().nullable().describe('Null at the end of the list.'),
  });
}
