import * as z from 'zod';

const count = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, 'a whole number from 1 on')
  .transform(Number)
  .optional();

/** The limits for one caller or one recipient. A variable that is absent sets no limit. */
export const limitFields = {
  LIMIT_ORDERS_PER_MINUTE: count,
  LIMIT_REQUESTS_PER_MINUTE: count,
  LIMIT_MESSAGES_PER_HOUR: count,
};

type LimitVariables = z.output<z.ZodObject<typeof limitFields>>;

export type Limits = {
  ordersPerMinute: number | undefined;
  requestsPerMinute: number | undefined;
  messagesPerHour: number | undefined;
};

/** Adds a fault if a limit is set but HASH_SECRET, which hashes the names in counters, is not. */
export function checkLimits(
  set: LimitVariables & { HASH_SECRET?: string | undefined },
  context: z.RefinementCtx,
): void {
  const names = Object.keys(limitFields) as (keyof LimitVariables)[];
  const asking = names.find((name) => set[name] !== undefined);
  if (!asking || set.HASH_SECRET) return;
  context.addIssue({ code: 'custom', path: ['HASH_SECRET'], message: `${asking} needs it` });
}

export function limitsOf(set: LimitVariables): Limits {
  return {
    ordersPerMinute: set.LIMIT_ORDERS_PER_MINUTE,
    requestsPerMinute: set.LIMIT_REQUESTS_PER_MINUTE,
    messagesPerHour: set.LIMIT_MESSAGES_PER_HOUR,
  };
}
