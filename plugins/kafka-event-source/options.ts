/** The settings for this machine: `custom.kafkaEventSource`, or kafka-event-source.yml of the command. */
import { z } from 'zod';
import { isPrivateEntry } from './recorder/privacy.ts';
import { refusalOf } from './refusal.ts';
import { words } from './words.ts';

/** A wrong setting or template. The message says how to correct it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code: string;

  constructor(message: string, code = 'KAFKA_EVENT_SOURCE_CONFIGURATION') {
    super(message);
    this.code = code;
  }
}

const server = z
  .string()
  .trim()
  .regex(
    /^[^\s:,/]+:\d{1,5}$|^\[[0-9a-fA-F:.]+\]:\d{1,5}$/,
    'must be host:port, with an IPv6 address in brackets',
  )
  .refine((text) => isPort(Number(/\d+$/.exec(text)?.[0])), 'must have a port from 1 to 65535');

const isPort = (port: number) => port > 0 && port < 65_536;

/** Whether a text is the address of a server, host:port. */
export const isServer = (text: string): boolean => server.safeParse(text).success;

const servers = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]).flatMap((one) => one.split(',')))
  .pipe(z.array(server).min(1));

/** The endpoint that stands for the deployed functions, in the user's AWS account. */
export const AWS = 'aws';

const endpoint = z.url({
  protocol: /^https?$/,
  error: 'must be an address, such as http://127.0.0.1:4566',
});

/** Whether a text is an address with Lambda's Invoke API, or stands for the deployed functions. */
export function isEndpoint(text: string): boolean {
  return text === AWS || endpoint.safeParse(text).success;
}

const file = z.string().min(1);
const ssl = z.union([
  z.boolean(),
  z.strictObject({
    ca: file.optional(),
    certificate: file.optional(),
    privateKey: file.optional(),
    privateKeyPassword: z.string().optional(),
    rejectUnauthorized: z.boolean().optional(),
  }),
]);
const sasl = z.discriminatedUnion('mechanism', [
  z.strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
    username: z.string().min(1),
    password: z.string(),
  }),
  z.strictObject({ mechanism: z.literal('aws-msk-iam'), region: z.string().optional() }),
]);

const destination = z
  .string()
  .regex(
    /^$|^kafka:\/\/.+|^arn:[a-z-]+:(sqs|sns|s3):/,
    "must be the ARN of a queue, a topic or a bucket, kafka://topic, or '' for none",
  );

/** The memory of records and invocations; `false` turns it off. */
const recorder = z.strictObject({
  /** The oldest records go first. */
  maxMegabytes: z.number().min(10).default(200),
  maxDays: z.number().positive().default(7),
  /**
   * Names the values that are never written: a JSON path such as `$.contact` or a header's name stands for
   * its value; a regular expression such as `/\\S+@\\S+/` for the parts of log lines, answers and errors that
   * match it.
   */
  private: z
    .array(
      z
        .string()
        .min(1)
        .refine(
          isPrivateEntry,
          'must be a JSON path such as $.contact, a regular expression in slashes that does not fit an empty text, or a header',
        ),
    )
    .default([]),
});

/** Settings for all mappings, or for one. */
const shared = {
  bootstrapServers: servers.optional(),
  useDeployedAccess: z.boolean().optional(),
  ssl: ssl.optional(),
  sasl: sasl.optional(),
  /** The address of Lambda's API, or the whole address of the function's invocations, or `aws`. */
  lambdaEndpoint: z
    .string()
    .refine(isEndpoint, 'must be an address, such as http://127.0.0.1:3001, or aws')
    .optional(),
};

/** Settings for one mapping. */
const ofMapping = z.strictObject({
  ...shared,
  enabled: z.boolean().optional(),
  consumerGroupId: z.string().min(1).max(200).optional(),
  onFailureDestination: destination.optional(),
});

/** All settings; the README's table has a row for each. */
export const optionsSchema = z.strictObject({
  ...shared,
  secrets: z
    .record(
      z.string(),
      z.union([z.strictObject({ file }), z.strictObject({ environment: z.string().min(1) })]),
    )
    .default({}),
  endpoints: z
    .strictObject({
      region: z.string().min(1).optional(),
      sqs: endpoint.optional(),
      sns: endpoint.optional(),
      s3: endpoint.optional(),
      secretsManager: endpoint.optional(),
      schemaRegistry: endpoint.optional(),
    })
    .default({}),
  dropWhenDestinationFails: z.boolean().default(false),
  limits: z.enum(['none', 'aws']).default('none'),
  /** Values of the template's parameters; a list as a list, or as a text with commas. */
  parameters: z
    .record(z.string(), z.union([z.string(), z.number(), z.array(z.string())]))
    .default({}),
  /** Values that other stacks export, by the names in `Fn::ImportValue`. */
  imports: z.record(z.string(), z.string()).default({}),
  deadLetterTopics: z.array(z.string().min(1)).default([]),
  /** Whether missing topics of the mappings are created. */
  createTopics: z.boolean().default(false),
  /** A text, too, as a variable of the environment is. */
  apiPort: z
    .union([z.int(), z.string().regex(/^\d+$/).transform(Number)], { error: 'must be a port' })
    .pipe(z.int().min(0).max(65_535))
    .default(3004),
  /** The page at `apiPort`, and the JSON under `/api`. */
  console: z
    .strictObject({
      /** Whether the page may change something; by default where the server listens at loopback. */
      allowChanges: z.boolean().optional(),
      /** The address to listen at. */
      host: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }).default('127.0.0.1'),
      /** More names of this machine under which the server is called. */
      names: z.array(z.string().min(1)).default([]),
      /** Panels of the service's own: a module, whose path begins at the service's folder, and its settings. */
      panels: z
        .array(
          z.strictObject({ module: file, settings: z.record(z.string(), z.unknown()).default({}) }),
        )
        .default([]),
    })
    .prefault({}),
  systemLog: z.string().min(1).default('log'),
  recorder: z.union([z.literal(false), recorder]).default(() => recorder.parse({})),
  strict: z.boolean().default(false),
  report: z.boolean().default(false),
  mappings: z.record(z.string(), ofMapping).default({}),
});

export type Options = z.output<typeof optionsSchema>;
export type LocalOptions = z.output<typeof ofMapping>;

/** The schema for the framework's own validation; `readOptions` checks the rest. */
export const customSchema = {
  type: 'object',
  properties: { kafkaEventSource: { type: 'object' } },
} as const;

/** Reads the settings. @throws ConfigurationError that names each wrong or unknown setting */
export function readOptions(custom: unknown): Options {
  const result = optionsSchema.safeParse(custom ?? {}, { error: refusalOf });
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const name = issue.path.map(String).join('.');
    const place = name === '' ? words().settings : words().setting(name);
    return `${place}: ${issue.message}${knownOptions(issue)}`;
  });
  throw new ConfigurationError(faults.join('\n'));
}

/** The options beside an unknown one, as a sentence; empty for other faults and at other places. */
function knownOptions({ code, path }: z.core.$ZodIssue): string {
  const isOfMapping = path.length === 2 && path[0] === 'mappings';
  const schema = PLACES[isOfMapping ? 'mappings.*' : path.join('.')];
  if (code !== 'unrecognized_keys' || !schema) return '';
  const own = schema === optionsSchema ? words().ownSettings : [];
  return `. There are: ${[...own, ...Object.keys(schema.shape)].toSorted().join(', ')}.`;
}

/** The places with options of this plugin; `mappings.*` stands for each mapping. */
const PLACES: Readonly<Record<string, z.ZodObject>> = {
  '': optionsSchema,
  endpoints: optionsSchema.shape.endpoints.unwrap(),
  recorder,
  'mappings.*': ofMapping,
};

/** The settings of one mapping. Its own win over those of its function, and these over the general ones. */
export function localOptions(options: Options, functionKey: string, topic: string): LocalOptions {
  const { bootstrapServers, useDeployedAccess, ssl, sasl, lambdaEndpoint, mappings } = options;
  const all = { bootstrapServers, useDeployedAccess, ssl, sasl, lambdaEndpoint };
  return { ...all, ...mappings[functionKey], ...mappings[`${functionKey}/${topic}`] };
}
