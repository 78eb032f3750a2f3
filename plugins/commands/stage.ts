/** The parts of the framework that a command of ours uses. */
export type Serverless = {
  service: { provider: { region: string; environment?: Record<string, string> } };
  classes: { Error: new (message: string, code: string) => Error };
};

/**
 * What the functions of this stage are configured with, and the table's client: a command runs with
 * the environment that serverless.yml gives to them, and so reaches the same things, on a laptop as in
 * an account. The library is loaded here, for the command alone.
 */
export async function stageOf({ service }: Serverless) {
  const [{ loadConfig }, { createDynamo }] = await Promise.all([
    import('../../lib/config.ts'),
    import('../../lib/dynamo.ts'),
  ]);
  const { region, environment = {} } = service.provider;
  const set = loadConfig({ AWS_REGION: region, ...environment });
  const config = { ...set, hasTracer: false }; // what a person runs is in no trace
  return { config, dynamo: createDynamo(config, credentialsIn(environment)) };
}

/** Errors for the person at the terminal: what happened and what to do, without a stack. */
export async function reported<T>(
  { classes }: Serverless,
  code: string,
  work: () => Promise<T>,
): Promise<T> {
  const { AppError, ERRORS } = await import('../../lib/errors.ts');
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

/** Stage `local` sets some for its functions; elsewhere the person's own are used. */
function credentialsIn({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string>) {
  return AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
    ? { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
    : undefined;
}
