/** Serverless plugin: `sls replay` publishes events again that have been published before. */
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import type { ReplayReport } from '../../lib/order/replay.ts';
import { OPTIONS, readOptions } from './replay-options.ts';
import { reported, type Serverless, stageOf } from './stage.ts';

type Utils = {
  log: Record<'notice' | 'warning', (message: string) => void>;
  writeText: (text: string) => void;
};

type Target = { deps: OutboxDeps; brokers: string[]; close(): Promise<void> };

const PROGRESS_EVERY = 500;

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
    const target = await reported(this.#serverless, 'REPLAY', () => this.#target());
    try {
      await reported(this.#serverless, 'REPLAY', () => this.#replay(target));
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

  /** What the functions of this stage work on. */
  async #target(): Promise<Target> {
    readOptions(this.#options); // A mistake in them is told before anything is reached for.
    const { wireOutbox } = await import('../../lib/order/wire.ts');
    const { config, dynamo } = await stageOf(this.#serverless);
    const deps = wireOutbox(config, dynamo);
    return {
      deps,
      brokers: config.brokers,
      async close() {
        await deps.producer.disconnect();
        dynamo.destroy();
      },
    };
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
