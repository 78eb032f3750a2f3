/** AWS's rules for values, with its messages; and the schemas with which the framework checks events. */
import { z } from 'zod';
import { toNumber } from '../json.ts';

/** The beginning of AWS's message about one value. */
export const CONSTRAINT = '1 validation error detected: ';

/** AWS's message for a value that its service model does not allow. */
export function constraint(field: string, value: unknown, rule: string): string {
  return `${CONSTRAINT}Value '${String(value)}' at '${field}' failed to satisfy constraint: ${rule}`;
}

const atLeast = (field: string, min: number) => ({
  error: ({ input }: { input: unknown }) =>
    constraint(field, input, `Member must have value greater than or equal to ${min}`),
});
const atMost = (field: string, max: number) => ({
  error: ({ input }: { input: unknown }) =>
    constraint(field, input, `Member must have value less than or equal to ${max}`),
});
export const between = (field: string, min: number, max: number) =>
  numeric(z.number().int().min(min, atLeast(field, min)).max(max, atMost(field, max)));

/** A number, or its text as CloudFormation takes it. No other value counts as a number. */
export const numeric = <Rule extends z.ZodType>(rule: Rule) =>
  z.preprocess((value) => toNumber(value) ?? value, rule);

export const matching = (field: string, pattern: string, max: number, min = 1) =>
  z
    .string()
    .min(min, {
      error: ({ input }) =>
        constraint(field, input, `Member must have length greater than or equal to ${min}`),
    })
    .max(max, {
      error: ({ input }) =>
        constraint(field, input, `Member must have length less than or equal to ${max}`),
    })
    .regex(new RegExp(`^${pattern}$`), {
      error: ({ input }) =>
        constraint(field, input, `Member must satisfy regular expression pattern: ${pattern}`),
    });

export const oneOf = <T extends string>(field: string, values: readonly [T, ...T[]]) =>
  z.enum(values, {
    error: ({ input }) =>
      constraint(field, input, `Member must satisfy enum value set: [${values.join(', ')}]`),
  });

/** Checks a list of at most `max` items that are all allowed. AWS's messages have the whole list. */
export const allowing =
  <T>(field: string, isAllowed: (one: T) => boolean, rules: readonly string[], max: number) =>
  (list: readonly T[], context: z.RefinementCtx): void => {
    const shown = `[${list.map(String).join(', ')}]`;
    if (list.length > max) {
      const rule = `Member must have length less than or equal to ${max}`;
      context.addIssue(constraint(field, shown, rule));
    }
    const index = list.findIndex((one) => !isAllowed(one));
    if (index < 0) return;
    const all = [...rules, 'Member must not be null'].join(', ');
    const message = constraint(field, shown, `Member must satisfy constraint: [${all}]`);
    context.addIssue({ code: 'custom', message, path: [index] });
  };

/** A list of at most `max` of the values. */
export const someOf = <T extends string>(
  field: string,
  values: readonly [T, ...T[]],
  max: number,
) => {
  const rule = `Member must satisfy enum value set: [${values.join(', ')}]`;
  return z
    .array(z.custom<T>())
    .superRefine(allowing(field, (one) => values.includes(one), [rule], max));
};

// CloudFormation also takes the texts "true" and "false".
export const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);

export const cloudFormation = { $ref: '#/definitions/awsCfFunction' };

export const integer = (minimum: number, maximum: number) => ({
  anyOf: [{ type: 'integer', minimum, maximum }, cloudFormation],
});
