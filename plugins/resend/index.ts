/** Serverless plugin: `sls resend` puts back the notifications that `sendDeferred` has given up. */
import type { Deferred, GivenUp } from '../../lib/notification/deferred.ts';
import type { ResendReport } from '../../lib/notification/resend.ts';
import { OPTIONS, readOptions } from './options.ts';

/** The parts of the framework that the plugin uses. */
type Serverless = {
  service: { provider: { region: string; environment?: Record<string, string> } };
  classes: { Error: new (message: string, code: string) => Error };
};

type Utils = { writeText: (text: string) => void };

type Target = { deferred: Deferred; table: string; close(): void };

/**
 * The command runs with the environment that serverless.yml gives to the functions of the stage: so it
 * reaches the same table as they, on a laptop as in an account.
 */
export default class Resend {
  readonly commands = {
    resend: {
      usage: 'Send again what was given up after too many failures of a provider',
      lifecycleEvents: ['run'],
      options: OPTIONS,
    },
  };
  readonly hooks = { 'resend:run': () => this.#reported(() => this.#run()) };

  readonly #serverless: Serverless;
  readonly #options: Record<string, unknown>;
  readonly #utils: Utils;

  constructor(serverless: Serverless, options: Record<string, unknown>, utils: Utils) {
    this.#serverless = serverless;
    this.#options = options;
    this.#utils = utils;
  }

  async #run(): Promise<void> {
    const { wish, put } = readOptions(this.#options);
    const [{ resend }, { systemClock }] = await Promise.all([
      import('../../lib/notification/resend.ts'),
      import('../../lib/clock.ts'),
    ]);
    const target = await this.#target();
    try {
      const report = await resend({ deferred: target.deferred, clock: systemClock }, wish, {
        put,
        found: (record) => this.#utils.writeText(line(record)),
      });
      this.#utils.writeText(summary(report, put, target.table));
    } finally {
      target.close();
    }
  }

  /** What the functions of this stage work on. The library is loaded here, for this command alone. */
  async #target(): Promise<Target> {
    const [{ loadConfig }, { createDynamo }, { createDeferred }] = await Promise.all([
      import('../../lib/config.ts'),
      import('../../lib/dynamo.ts'),
      import('../../lib/notification/deferred.ts'),
    ]);
    const { region, environment = {} } = this.#serverless.service.provider;
    const config = loadConfig({ AWS_REGION: region, ...environment });
    const dynamo = createDynamo(config, credentialsIn(environment));
    const deferred = createDeferred({ dynamo, table: config.table });
    return { deferred, table: config.table, close: () => dynamo.destroy() };
  }

  /** Errors for the person at the terminal: what happened and what to do, without a stack. */
  async #reported(work: () => Promise<void>): Promise<void> {
    const { AppError, ERRORS } = await import('../../lib/errors.ts');
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = error instanceof AppError ? error.code : 'RESEND';
      const advice = error instanceof AppError ? ` ${ERRORS[error.code].advice}` : '';
      throw new this.#serverless.classes.Error(`${error.message}${advice}`, code);
    }
  }
}

function line({ event, channel, attempts, reason, at }: GivenUp): string {
  return `${event.data.orderId}  ${event.type}  ${channel}  ${attempts} attempts until ${at}  ${reason}`;
}

function summary({ found, putBack }: ResendReport, put: boolean, table: string): string {
  if (!put) return `Dry run: ${found} of ${table} would be sent again. Add --yes to do it.`;
  const left = found > putBack ? ` ${found - putBack} were taken by somebody else meanwhile.` : '';
  return `Put back ${putBack} of ${table}: sendDeferred sends them within a minute.${left}`;
}

/** Stage `local` sets some for its functions; elsewhere the person's own are used. */
function credentialsIn({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string>) {
  return AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
    ? { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
    : undefined;
}
