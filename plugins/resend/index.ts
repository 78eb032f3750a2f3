/** Serverless plugin: `sls resend` puts back the notifications that `sendDeferred` has given up. */
import type { Deferred, GivenUp } from '../../lib/notification/ledger/deferred.ts';
import type { ResendReport } from '../../lib/notification/ledger/resend.ts';
import { reported, type Serverless, stageOf } from '../command/stage.ts';
import { OPTIONS, readOptions } from './options.ts';

type Utils = { writeText: (text: string) => void };

type Target = { deferred: Deferred; table: string; close(): void };

export default class Resend {
  readonly commands = {
    resend: {
      usage: 'Send again what was given up after too many failures of a provider',
      lifecycleEvents: ['run'],
      options: OPTIONS,
    },
  };
  readonly hooks = { 'resend:run': () => reported(this.#serverless, 'RESEND', () => this.#run()) };

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
      import('../../lib/notification/ledger/resend.ts'),
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

  /** What the functions of this stage work on. */
  async #target(): Promise<Target> {
    const { createDeferred } = await import('../../lib/notification/ledger/deferred.ts');
    const { config, dynamo } = await stageOf(this.#serverless);
    const deferred = createDeferred({ dynamo, table: config.table });
    return { deferred, table: config.table, close: () => dynamo.destroy() };
  }
}

function line({ orderId, type, channel, attempts, reason, at }: GivenUp): string {
  return `${orderId}  ${type}  ${channel}  ${attempts} attempts until ${at}  ${reason}`;
}

function summary({ found, putBack }: ResendReport, put: boolean, table: string): string {
  if (!put) return `Dry run: ${found} of ${table} would be sent again. Add --yes to do it.`;
  const left = found > putBack ? ` ${found - putBack} were taken by somebody else meanwhile.` : '';
  return `Put back ${putBack} of ${table}: sendDeferred sends them within a minute.${left}`;
}
