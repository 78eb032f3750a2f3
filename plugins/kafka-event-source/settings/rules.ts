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

/** AWS's message for a list with an item that its service model does not allow. */
export const items = (field: string, list: readonly unknown[], ...rules: readonly string[]) =>
  constraint(
    field,
    `[${list.map(String).join(', ')}]`,
    `Member must satisfy constraint: [${[...rules, 'Member must not be null'].join(', ')}]`,
  );

/** A list of at most `max` of the values. AWS's message has the whole list. */
export const someOf = <T extends string>(
  field: string,
  values: readonly [T, ...T[]],
  max = Number.POSITIVE_INFINITY,
) =>
  z.array(z.custom<T>()).superRefine((list, context) => {
    if (list.length > max) {
      context.addIssue(
        constraint(
          field,
          `[${list.join(', ')}]`,
          `Member must have length less than or equal to ${max}`,
        ),
      );
    }
    const index = list.findIndex((one) => !values.includes(one));
    if (index >= 0) {
      const message = items(
        field,
        list,
        `Member must satisfy enum value set: [${values.join(', ')}]`,
      );
      context.addIssue({ code: 'custom', message, path: [index] });
    }
  });

// CloudFormation also takes the texts "true" and "false".
export const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);

export const cloudFormation = { $ref: '#/definitions/awsCfFunction' };

export const integer = (minimum: number, maximum: number) => ({
  anyOf: [{ type: 'integer', minimum, maximum }, cloudFormation],
});
