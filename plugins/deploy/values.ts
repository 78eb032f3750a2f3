/** Serverless plugin: values of the environment as serverless.yml needs them, and none left out. */
import { tidyFunction } from './lists.ts';
import { type Nested, placeholders } from './placeholders.ts';

type Serverless = {
  service: {
    custom?: { mustBeSet?: Nested };
    provider?: Record<string, unknown>;
    functions?: Record<string, Record<string, unknown>>;
  };
  processedInput: { commands: string[] };
  classes: { Error: new (message: string, code: string) => Error };
  getProvider(name: 'aws'): { getStage(): string };
};

/**
 * A variable is one text. In a list of a function's `layers`, `vpc`, `events` and `iamRoleStatements` one with
 * commas becomes several, and an empty one goes: before the framework checks its configuration.
 *
 * `sls deploy` ends before it does anything while a value of `custom.mustBeSet` is a placeholder;
 * `sls package` does not.
 */
export default class Values {
  readonly hooks = { initialize: () => this.#refusePlaceholders() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    const { provider = {}, functions = {} } = serverless.service;
    for (const definition of [provider, ...Object.values(functions)]) tidyFunction(definition);
  }

  #refusePlaceholders(): void {
    const { service, processedInput, classes, getProvider } = this.#serverless;
    const [command, what = 'function'] = processedInput.commands;
    if (command !== 'deploy' || what !== 'function') return;
    const missing = placeholders(service.custom?.mustBeSet ?? {});
    if (missing.length === 0) return;
    const stage = getProvider.call(this.#serverless, 'aws').getStage();
    const names = missing.map(([name, value]) => `  ${name} (now ${value || 'empty'})`);
    throw new classes.Error(
      `Stage ${stage} still has placeholders. Set these variables of the environment, as ` +
        `docs/deploy.md says, or custom.stages of serverless.yml:\n${names.join('\n')}`,
      'PLACEHOLDERS',
    );
  }
}
