import * as z from 'zod';
import { AppError } from './errors.ts';
import { checkIdentity, type Identity, identityFields, identityOf } from './identity-settings.ts';
import { checkLimits, type Limits, limitFields, limitsOf } from './limit-settings.ts';
import { refusal } from './refusal.ts';

const name = z.string().min(1);
const address = z.url({
  protocol: /^https?$/,
  error: 'an address such as http://localhost:8000',
});
const BROKER = /^[^\s,:/]+:(\d{1,5})$/;
const isBroker = (text: string) => {
  const port = Number(BROKER.exec(text)?.[1]);
  return port >= 1 && port <= 65_535;
};

/** The addresses of Kafka's brokers, as `KAFKA_BROKERS` has them. */
export const brokers = z
  .string()
  .refine(
    (text) => text.split(',').every(isBroker),
    'host:port with a port from 1 to 65535, several joined by commas',
  );
const secret = z.string().min(16, '16 characters at least, several secrets joined by commas');

/** Names joined by commas, each once. */
const list = <Name extends string>(names: readonly [Name, ...Name[]]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(names)).refine((all) => new Set(all).size === all.length, 'each once'));

const environment = z
  .object({
    AWS_REGION: name,
    ORDERS_TABLE: name,
    ORDER_EVENTS_TOPIC: name,
    ORDER_EVENTS_DLQ: name,
    KAFKA_BROKERS: brokers,
    KAFKA_KIND: z
      .enum(['msk-iam', 'msk-scram', 'self-managed-scram', 'self-managed-mtls'])
      .optional(),
    KAFKA_SECRET_ARN: z.string().startsWith('arn:').optional(),
    DYNAMODB_ENDPOINT: address.optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: address.optional(),
    OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.05),
    FALLBACK_EMAIL_DOMAIN: name.optional(),
    FALLBACK_PHONE: name.optional(),
    NOTIFICATION_EMAIL: list(['mock', 'ses', 'smtp']),
    NOTIFICATION_SMS: list(['mock', 'sns']),
    NOTIFICATION_FROM: name.optional(),
    NOTIFICATION_SMS_SENDER_ID: z
      .string()
      .regex(/^[A-Za-z0-9]{1,11}$/)
      .optional(),
    SMTP_URL: z
      .url({ protocol: /^smtps?$/ })
      .regex(/^[^?]*$|^smtp:\/\/([^@/]*@)?(localhost|127\.0\.0\.1)(:\d+)?\/?\?tls=no$/, {
        error: 'only for localhost may it end in ?tls=no',
      })
      .optional(),
    NOTIFICATION_UNSUBSCRIBE_URL: z
      .url()
      .regex(/^https:|^http:\/\/(localhost|127\.0\.0\.1)[:/]/, 'https, or http on this machine')
      .endsWith('/')
      .optional(),
    NOTIFICATION_UNSUBSCRIBE_SECRET: z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.tuple([secret], secret))
      .optional(),
    REPORT_BATCH_ITEM_FAILURES: z.enum(['true', 'false']).optional(),
    TABLE_LAYOUT: z.enum(['1', '2']).default('2'),
    HASH_SECRET: z.string().min(16, '16 characters at least').optional(),
    AWS_LAMBDA_RUNTIME_API: z.string().optional(),
    IS_OFFLINE: z.string().optional(),
    ...limitFields,
  })
  .superRefine(checkLimits)
  .superRefine(({ NOTIFICATION_EMAIL, NOTIFICATION_FROM, SMTP_URL }, context) => {
    const need = (path: string, value: string | undefined, names: string[]) => {
      const asking = NOTIFICATION_EMAIL.find((known) => names.includes(known));
      if (!asking || value) return;
      context.addIssue({ code: 'custom', path: [path], message: `${asking} needs it` });
    };
    need('NOTIFICATION_FROM', NOTIFICATION_FROM, ['ses', 'smtp']);
    need('SMTP_URL', SMTP_URL, ['smtp']);
  })
  .refine((set) => !set.NOTIFICATION_UNSUBSCRIBE_URL || set.NOTIFICATION_UNSUBSCRIBE_SECRET, {
    path: ['NOTIFICATION_UNSUBSCRIBE_SECRET'],
    error: 'NOTIFICATION_UNSUBSCRIBE_URL needs it',
  })
  .refine(
    ({ KAFKA_KIND, KAFKA_SECRET_ARN }) =>
      !KAFKA_KIND || KAFKA_KIND === 'msk-iam' || KAFKA_SECRET_ARN,
    { path: ['KAFKA_SECRET_ARN'], error: 'KAFKA_KIND needs it' },
  );

/** The providers of each channel, in the order in which they are asked, and their settings. */
type SenderConfig = {
  email: ('mock' | 'ses' | 'smtp')[];
  sms: ('mock' | 'sns')[];
  /** The sender of emails: an address, or `Name <address>`. Set if SES or SMTP is a provider. */
  from: string;
  /** Set if SMTP is a provider. */
  smtpUrl: string;
  /** The sender of an SMS as phones show it, where the country allows that. */
  senderId: string | undefined;
};

/** How we sign in to the brokers. The code of the sign-in is loaded at the first connection. */
export type SignIn =
  | { way: 'none' }
  | { way: 'iam'; region: string }
  | { way: 'scram' | 'mtls'; region: string; secretArn: string };

/** A function's configuration; serverless.yml sets it for every stage. */
export type Config = {
  region: string;
  table: string;
  /** The form of new events in the table, see lib/order/repository.ts. */
  tableLayout: 1 | 2;
  /** Set only if DynamoDB is not AWS's own. */
  dynamoEndpoint: string | undefined;
  brokers: string[];
  /** The share of new traces that is kept; undefined where no collector takes any. */
  traces: { ratio: number } | undefined;
  /** Undefined if serverless.yml names no kind of Kafka. */
  signIn: SignIn;
  eventsTopic: string;
  deadLetterTopic: string;
  /** Stage `local` only: the domain of the email address for customers without an address. */
  fallback: { emailDomain: string; phone: string } | undefined;
  senders: SenderConfig;
  /** The address and secrets of the links in emails; if absent, emails have no links. */
  unsubscribe: { url: string; secrets: readonly [string, ...string[]] } | undefined;
  /** True if the mapping has ReportBatchItemFailures; if not, a partial failure fails the batch. */
  reportsItemFailures: boolean;
  /** The secret of keyed hashes. It must be set where tokens are read or a limit is set. */
  hashSecret: string | undefined;
  limits: Limits;
  /**
   * A function can run on after its answer by Lambda's Extensions API, at this address, or because the
   * process of serverless-offline lives on. Undefined anywhere else: there it cannot.
   */
  runsOnBy: { extensionsApi: string } | 'process' | undefined;
};

/** The configuration of a function that checks its callers. */
export type ApiConfig = Config & { identity: Identity };

type Variables = Record<string, string | undefined>;

/**
 * Reads the environment, once per cold start, without the variables about callers: a fault in them
 * stops no function that checks no callers.
 *
 * @throws AppError `CONFIG`, naming every variable that is missing or malformed
 */
export function loadConfig(variables: Variables = process.env): Config {
  return configOf(read(environment, variables));
}

/** Like {@link loadConfig}, with the variables about callers. */
export function loadApiConfig(variables: Variables = process.env): ApiConfig {
  const whole = environment.safeExtend(identityFields).superRefine(checkIdentity);
  const set = read(whole, variables);
  return { ...configOf(set), identity: identityOf(set) };
}

function read<T>(schema: z.ZodType<T>, variables: Variables): T {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set, { error: refusal });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AppError('CONFIG', `Environment variables: ${faults.join('; ')}.`);
}

function configOf(data: z.output<typeof environment>): Config {
  return {
    region: data.AWS_REGION,
    table: data.ORDERS_TABLE,
    tableLayout: data.TABLE_LAYOUT === '1' ? 1 : 2,
    dynamoEndpoint: data.DYNAMODB_ENDPOINT,
    traces: data.OTEL_EXPORTER_OTLP_ENDPOINT ? { ratio: data.OTEL_TRACES_SAMPLER_ARG } : undefined,
    brokers: data.KAFKA_BROKERS.split(','),
    signIn: signInOf(data),
    eventsTopic: data.ORDER_EVENTS_TOPIC,
    deadLetterTopic: data.ORDER_EVENTS_DLQ,
    fallback:
      data.FALLBACK_EMAIL_DOMAIN && data.FALLBACK_PHONE
        ? { emailDomain: data.FALLBACK_EMAIL_DOMAIN, phone: data.FALLBACK_PHONE }
        : undefined,
    senders: {
      email: data.NOTIFICATION_EMAIL,
      sms: data.NOTIFICATION_SMS,
      from: data.NOTIFICATION_FROM ?? '',
      smtpUrl: data.SMTP_URL ?? '',
      senderId: data.NOTIFICATION_SMS_SENDER_ID,
    },
    unsubscribe:
      data.NOTIFICATION_UNSUBSCRIBE_URL && data.NOTIFICATION_UNSUBSCRIBE_SECRET
        ? {
            url: data.NOTIFICATION_UNSUBSCRIBE_URL,
            secrets: data.NOTIFICATION_UNSUBSCRIBE_SECRET,
          }
        : undefined,
    reportsItemFailures: data.REPORT_BATCH_ITEM_FAILURES === 'true',
    hashSecret: data.HASH_SECRET,
    limits: limitsOf(data),
    runsOnBy: runsOnByOf(data),
  };
}

function signInOf(data: z.infer<typeof environment>): SignIn {
  const { KAFKA_KIND: kind, AWS_REGION: region, KAFKA_SECRET_ARN: secretArn = '' } = data;
  if (!kind) return { way: 'none' };
  if (kind === 'msk-iam') return { way: 'iam', region };
  return { way: kind.endsWith('mtls') ? 'mtls' : 'scram', region, secretArn };
}

/** The variables are set by Lambda and by serverless-offline. */
function runsOnByOf({ AWS_LAMBDA_RUNTIME_API: api, IS_OFFLINE }: z.infer<typeof environment>) {
  if (api) return { extensionsApi: api };
  return IS_OFFLINE ? 'process' : undefined;
}
