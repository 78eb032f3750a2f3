/** Serverless plugin: `sls replay` publishes events again that have been published before. */
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import type { ReplayReport } from '../../lib/order/replay.ts';
import { OPTIONS, readOptions } from './options.ts';

/** The parts of the framework that the plugin uses. */
type Serverless = {
  service: { provider: { region: string; environment?: Record<string, string> } };
  classes: { Error: new (message: string, code: string) => Error };
};

type Utils = {
  log: Record<'notice' | 'warning', (message: string) => void>;
  writeText: (text: string) => void;
};

type Target = { deps: OutboxDeps; brokers: string[]; close(): Promise<void> };

const PROGRESS_EVERY = 500;

/**
 * The command runs with the environment that serverless.yml gives to the functions of the stage: so it
 * reaches the same table and topic as they, on a laptop as in an account.
 */
export default class Replay {
  readonly commands = {
    replay: {
      usage: "Publish an order's or a period's events again, with the same ids and bodies",
      lifecycleEvents: ['run'],
      options: OPTIONS,
    },
  };
  readonly hooks = { 'replay:run': () => this.#run() };

  readonly #serverless: Serverless;
  readonly #options: Record<string, unknown>;
  readonly #utils: Utils;

  constructor(serverless: Serverless, options: Record<string, unknown>, utils: Utils) {
    this.#serverless = serverless;
    this.#options = options;
    this.#utils = utils;
  }

  async #run(): Promise<void> {
    const target = await this.#reported(() => this.#target());
    try {
      await this.#reported(() => this.#replay(target));
    } finally {
      await target.close();
    }
  }

  async #replay({ deps, brokers }: Target): Promise<void> {
    const { replay } = await import('../../lib/order/replay.ts');
    const { wish, publish } = readOptions(this.#options);
    const report = await replay(deps, wish, {
      publish,
      found: ({ order }, events, { orders, events: sent }) => {
        if ('order' in wish) {
          for (const { sequence, type, timestamp, id } of events) {
            this.#utils.writeText(`${order.id}  ${sequence}  ${type}  ${timestamp}  ${id}`);
          }
        } else if (orders % PROGRESS_EVERY === 0) {
          this.#utils.log.notice(`${orders} orders, ${sent} events so far`);
        }
      },
    });
    this.#utils.writeText(summary(report, publish, `${deps.topic} on ${brokers.join(',')}`));
  }

  /** What the functions of this stage work on. The library is loaded here, for this command alone. */
  async #target(): Promise<Target> {
    readOptions(this.#options); // A mistake in them is told before anything is reached for.
    const [{ loadConfig }, { createDynamo }, { createProducer }, { createRepository }, clock] =
      await Promise.all([
        import('../../lib/config.ts'),
        import('../../lib/dynamo.ts'),
        import('../../lib/kafka/producer.ts'),
        import('../../lib/order/repository.ts'),
        import('../../lib/clock.ts'),
      ]);
    const { region, environment = {} } = this.#serverless.service.provider;
    const config = loadConfig({ AWS_REGION: region, ...environment });
    const dynamo = createDynamo(config, credentialsIn(environment));
    const producer = createProducer(config.brokers, config.signIn);
    const repository = createRepository(dynamo, config.table);
    return {
      deps: { repository, producer, topic: config.eventsTopic, clock: clock.systemClock },
      brokers: config.brokers,
      async close() {
        await producer.disconnect();
        dynamo.destroy();
      },
    };
  }

  /** Errors for the person at the terminal: what happened and what to do, without a stack. */
  async #reported<T>(work: () => Promise<T>): Promise<T> {
    const { AppError, ERRORS } = await import('../../lib/errors.ts');
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = error instanceof AppError ? error.code : 'REPLAY';
      const advice = error instanceof AppError ? ` ${ERRORS[error.code].advice}` : '';
      throw new this.#serverless.classes.Error(`${error.message}${advice}`, code);
    }
  }
}

function summary(
  { orders, events, pending }: ReplayReport,
  publish: boolean,
  where: string,
): string {
  const left = pending > 0 ? ` ${pending} more are pending: relayOutbox publishes them.` : '';
  const what = `${events} events of ${orders} orders`;
  if (publish) return `Published ${what} again to ${where}.${left}`;
  return `Dry run: ${what} would be published again to ${where}.${left} Add --yes to do it.`;
}

/** Stage `local` sets some for its functions; elsewhere the person's own are used. */
function credentialsIn({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string>) {
  return AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY
    ? { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
    : undefined;
}
