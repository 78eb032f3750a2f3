import { z } from 'zod';
import { brokers } from '../lib/config.ts';
import { refusal } from '../lib/refusal.ts';
import type { Choice } from './choose.ts';

const Port = z.coerce.number().int().min(1).max(65_535);

const Env = z.object({
  KAFKA_PORT: Port.default(9092),
  DYNAMODB_PORT: Port.optional(),
  HTTP_PORT: Port.default(3001),
  LAMBDA_PORT: Port.default(3002),
  KAFKA_UI_PORT: Port.default(8080),
  EMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(3004),
  AWS_REGION: z.string().min(1).default('us-east-1'),
  KAFKA_BROKERS: z.string().optional(),
  DYNAMODB_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  NOTIFICATION_UNSUBSCRIBE_URL: z.string().optional(),
  AUTH: z.enum(['off', 'local', 'jwt']).default('off'),
  ISSUER_PORT: Port.default(3005),
  AUTH_ISSUER: z.string().optional(),
  AUTH_AUDIENCE: z.string().optional(),
  AUTH_JWKS_URL: z.string().optional(),
  AUTH_JWKS: z.string().optional(),
  AUTH_SCOPE_PREFIX: z.string().optional(),
  AUTH_CUSTOMER_CLAIM: z.string().optional(),
  AUTH_ROLES_CLAIM: z.string().optional(),
  AUTH_OPERATOR_ROLE: z.string().optional(),
});

export type Settings = Omit<z.infer<typeof Env>, 'DYNAMODB_PORT'> & {
  DYNAMODB_PORT: number;
  /** Empty: the functions make no traces. */
  OTEL_EXPORTER_OTLP_ENDPOINT: string | undefined;
};

/** The checked environment of `npm start`; the ports default to the contract's. */
export function readSettings(env: NodeJS.ProcessEnv, backend: Choice): Settings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  // The addresses count only where nothing is started.
  const wanted = backend === 'none' ? Env.extend({ KAFKA_BROKERS: brokers.optional() }) : Env;
  const parsed = wanted.safeParse(set, { error: refusal });
  if (!parsed.success) throw new Error(`The environment: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  if (backend === 'none' && !(data.KAFKA_BROKERS && data.DYNAMODB_ENDPOINT)) {
    throw new Error(
      'LOCAL_BACKEND=none starts nothing: set KAFKA_BROKERS (localhost:9092) and ' +
        'DYNAMODB_ENDPOINT (http://localhost:8000) to where your own are.',
    );
  }
  return {
    ...data,
    DYNAMODB_PORT: data.DYNAMODB_PORT ?? (backend === 'docker' ? 4566 : 8000),
    OTEL_EXPORTER_OTLP_ENDPOINT: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  };
}
