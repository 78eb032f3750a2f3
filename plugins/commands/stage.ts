import { loadConfig } from '../../lib/config.ts';
import { AppError, ERRORS } from '../../lib/errors.ts';
import { openStore } from '../../lib/store.ts';
import type { Wanted } from './make-topics.ts';

/** The parts of the framework that a command of ours uses. */
export type Serverless = {
  service: {
    provider: { region: string; environment?: Record<string, string> };
    custom: { topics: Wanted[] };
  };
  classes: { Error: new (message: string, code: string) => Error };
};

export type Utils = {
  log: Record<'notice' | 'warning', (message: string) => void>;
  writeText: (text: string) => void;
};

/** The configuration of this stage's functions, from the environment that serverless.yml gives to them. */
export function configOf({ service: { provider } }: Serverless) {
  const config = loadConfig({ AWS_REGION: provider.region, ...provider.environment });
  return { ...config, traces: undefined }; // a person's command is not traced
}

/**
 * The configuration and the store of this stage's functions: a command reaches the same
 * table and topics, on a laptop as in an account.
 */
export function stageOf(serverless: Serverless) {
  const config = configOf(serverless);
  const { environment = {} } = serverless.service.provider;
  return { config, store: openStore(config, credentialsIn(environment)) };
}

/** Errors for the person at the terminal: message and advice, without a stack. */
export async function reported<T>(
  { classes }: Serverless,
  code: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) {
      throw new classes.Error(`${error.message} ${ERRORS[error.code].advice}`, error.code);
    }
    if (!(error instanceof Error)) throw error;
    throw new classes.Error(error.message, code);
  }
}

/** Stage `local` sets credentials for its functions; elsewhere the person's own are used. */
function credentialsIn({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string>) {
  return AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
    ? { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
    : undefined;
}
