/** The plugin's own settings, `custom.kafkaEventSource`: where the mappings run locally. */
import { z } from 'zod';

/** A mistake in serverless.yml that the user can mend; its message says how. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'KAFKA_EVENT_SOURCE_CONFIGURATION';
}

const server = z
  .string()
  .trim()
  .regex(/^[^\s:,]+:\d{1,5}$|^\[[0-9a-fA-F:.]+\]:\d{1,5}$/, 'must be host:port');

const servers = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]).flatMap((one) => one.split(',')))
  .pipe(z.array(server).min(1));

const endpoint = z.url({ protocol: /^https?$/ });

const optionsSchema = z.strictObject({
  bootstrapServers: servers.optional(),
  lambdaEndpoint: endpoint.optional(),
  strict: z.boolean().default(false),
  mappings: z
    .record(z.string(), z.strictObject({ bootstrapServers: servers.optional() }))
    .default({}),
});

export type Options = z.output<typeof optionsSchema>;

const serversSchema = {
  anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
} as const;

/** The same settings for the framework's own validation. */
export const customSchema = {
  type: 'object',
  properties: {
    kafkaEventSource: {
      type: 'object',
      properties: {
        bootstrapServers: serversSchema,
        lambdaEndpoint: { type: 'string' },
        strict: { type: 'boolean' },
        mappings: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            properties: { bootstrapServers: serversSchema },
            additionalProperties: false,
          },
        },
      },
      additionalProperties: false,
    },
  },
} as const;

/** Reads the settings; an unknown or wrong one is an error that names it. */
export function readOptions(custom: unknown): Options {
  return check(optionsSchema, custom ?? {}, 'custom.kafkaEventSource');
}

/** Parses, or throws with every fault and its place. */
export function check<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const place = [where, ...path.map(String)].join('.');
    return `${place}: ${message}`;
  });
  throw new ConfigurationError(faults.join('\n'));
}
