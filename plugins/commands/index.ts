/** Serverless plugin: `sls replay`, `sls resend` and `sls topics`. */
import { OPTIONS as REPLAY_OPTIONS } from './replay-options.ts';
import { OPTIONS as RESEND_OPTIONS } from './resend-options.ts';
import type { Serverless, Utils } from './stage.ts';

/** Loads a command's code for that command only: it loads the library, which takes time. */
const LOADERS = {
  replay: () => import('./replay.ts'),
  resend: () => import('./resend.ts'),
  topics: () => import('./topics.ts'),
};

export default class Commands {
  readonly commands = {
    replay: {
      usage: "Publish an order's or a period's events again, with the same ids and bodies",
      lifecycleEvents: ['run'],
      options: REPLAY_OPTIONS,
    },
    resend: {
      usage: 'Send notifications again that were given up after too many failures of a provider',
      lifecycleEvents: ['run'],
      options: RESEND_OPTIONS,
    },
    topics: { usage: 'Make the topics that are missing', lifecycleEvents: ['run'] },
  };
  readonly hooks = {
    'replay:run': () => this.#run('replay'),
    'resend:run': () => this.#run('resend'),
    'topics:run': () => this.#run('topics'),
  };

  readonly #serverless: Serverless;
  readonly #options: Record<string, unknown>;
  readonly #utils: Utils;

  constructor(serverless: Serverless, options: Record<string, unknown>, utils: Utils) {
    this.#serverless = serverless;
    this.#options = options;
    this.#utils = utils;
  }

  async #run(name: keyof typeof LOADERS): Promise<void> {
    const utils = {
      ...this.#utils,
      writeText: (line: string) => this.#utils.writeText(plain(line)),
    };
    const [{ reported }, { run }] = await Promise.all([import('./stage.ts'), LOADERS[name]()]);
    await reported(this.#serverless, name.toUpperCase(), () =>
      run(this.#serverless, this.#options, utils),
    );
  }
}

/** A line whose values cannot do harm at a terminal: an event of a foreign producer may have any text as its order's id. */
function plain(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}
