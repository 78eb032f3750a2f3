/** AWS's rules for values, with its messages; and the schemas with which the framework checks events. */
import { z } from 'zod';

/** AWS's message for a value that its service model does not allow. */
export function constraint(field: string, value: unknown, rule: string): string {
  return `1 validation error detected: Value '${String(value)}' at '${field}' failed to satisfy constraint: ${rule}`;
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
  z.coerce.number().int().min(min, atLeast(field, min)).max(max, atMost(field, max));

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

// CloudFormation also takes the texts "true" and "false".
export const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);

export const cloudFormation = { $ref: '#/definitions/awsCfFunction' };

export const integer = (minimum: number, maximum: number) => ({
  anyOf: [{ type: 'integer', minimum, maximum }, cloudFormation],
});
