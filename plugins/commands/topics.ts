/** Serverless plugin: `sls topics` makes the topics of a stage, and says where existing ones differ. */
import type { Service } from './wanted-topics.ts';
import { wantedTopics } from './wanted-topics.ts';

type Serverless = {
  service: Service & {
    provider: { region: string; environment?: Record<string, string> };
  };
  classes: { Error: new (message: string, code: string) => Error };
};

type Utils = { writeText: (text: string) => void };

/**
 * Runs where the brokers can be reached, which for MSK is inside its VPC, with the environment that
 * serverless.yml gives to the functions.
 */
export default class Topics {
  readonly commands = {
    topics: { usage: 'Make the topics that are missing', lifecycleEvents: ['run'] },
  };
  readonly hooks = { 'topics:run': () => this.#run() };

  readonly #serverless: Serverless;
  readonly #utils: Utils;

  constructor(serverless: Serverless, _options: unknown, utils: Utils) {
    this.#serverless = serverless;
    this.#utils = utils;
  }

  async #run(): Promise<void> {
    const { service, classes } = this.#serverless;
    const [{ loadConfig }, { keepAdmin }, { makeTopics }] = await Promise.all([
      import('../../lib/config.ts'),
      import('../../lib/kafka/client.ts'),
      import('./make-topics.ts'),
    ]);
    const { region, environment = {} } = service.provider;
    try {
      const { brokers, signIn } = loadConfig({ AWS_REGION: region, ...environment });
      const connection = keepAdmin(brokers, signIn);
      try {
        const make = (admin: import('kafkajs').Admin) => makeTopics(admin, wantedTopics(service));
        for (const line of await connection.use(make, 60_000)) this.#utils.writeText(line);
      } finally {
        await connection.disconnect();
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new classes.Error(
        `${error.message} Run it where the brokers can be reached: docs/deploy.md says how.`,
        'TOPICS',
      );
    }
  }
}
