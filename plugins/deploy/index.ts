/** Serverless plugin: parts of a deployment that serverless.yml cannot express. */
import { checkChoices } from '../../infra/choices.cjs';
import { identityOf } from '../../infra/identity.cjs';
import { namesOf } from '../../infra/names.cjs';
import Refusal from '../../infra/refusal.cjs';
import { AppError } from '../../lib/errors.ts';
import { guardRoutes, type RouteService } from './authorizer.ts';
import { tidyFunction } from './lists.ts';
import { checkNames } from './names.ts';
import { type Nested, placeholders } from './placeholders.ts';
import { ROLE_SCHEMA, type RoleService, writeRoles } from './roles.ts';
import { adjustTable, type TableService } from './table.ts';

type Serverless = {
  service: RoleService &
    RouteService &
    TableService & {
      custom?: { mustBeSet?: Nested; stages?: Record<string, Record<string, string>> };
      provider: { region?: string; environment?: Record<string, string> } & Record<string, unknown>;
      functions?: Record<
        string,
        { environment?: Record<string, string> } & Record<string, unknown>
      >;
    };
  processedInput: { commands: string[] };
  configSchemaHandler: { defineFunctionProperties(provider: 'aws', schema: object): void };
  classes: { Error: new (message: string, code: string) => Error };
  getProvider(name: 'aws'): {
    getStage(): string;
    naming: { getLambdaLogicalId(key: string): string; getLogGroupName(name: string): string };
  };
};

/**
 * - Before the framework checks its configuration: in lists of a function's `layers`, `vpc`, `events` and
 *   `iamRoleStatements`, splits a text with commas and removes an empty one. A variable can hold only one text.
 * - Every command ends where the stage's names, its kind of Kafka or its way to know callers are impossible.
 * - `sls deploy` ends before it does anything while a value of `custom.mustBeSet` is a placeholder,
 *   or while the functions would refuse one of their variables at their start; `sls package` checks neither.
 * - The authorizer stands before every route that is not open.
 * - `sls deploy` and `sls package` end while a function's name is longer than Lambda takes.
 * - Every function with `iamRoleStatements` gets a role of its own.
 * - The table gets what the settings of the stage add to it.
 */
export default class Deploy {
  readonly hooks = {
    initialize: async () => {
      await this.#refusing(() => this.#checkStage());
      await this.#checkValues();
    },
    'before:package:setupProviderConfiguration': () =>
      this.#refusing(() => {
        checkNames(this.#serverless.service, this.#stage);
        this.#writeRoles();
        adjustTable(this.#serverless.service);
      }),
  };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    const { provider, functions = {} } = serverless.service;
    for (const definition of [provider, ...Object.values(functions)]) tidyFunction(definition);
    guardRoutes(serverless.service);
    serverless.configSchemaHandler.defineFunctionProperties('aws', ROLE_SCHEMA);
  }

  get #stage(): string {
    return this.#serverless.getProvider('aws').getStage();
  }

  /** The framework shows its own errors by their messages, and any other, which is a bug, with a stack. */
  async #refusing(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isPlanned = error instanceof Refusal || error instanceof AppError;
      throw isPlanned ? new this.#serverless.classes.Error(error.message, 'CONFIG') : error;
    }
  }

  #checkStage(): void {
    namesOf(this.#stage, process.env);
    const own = this.#serverless.service.custom?.stages?.[this.#stage] ?? {};
    checkChoices(own, process.env);
    identityOf(this.#stage, own, process.env, {});
  }

  async #checkValues(): Promise<void> {
    const [command, what = 'function'] = this.#serverless.processedInput.commands;
    if (command !== 'deploy' || what !== 'function') return;
    this.#refusePlaceholders();
    await this.#refusing(() => this.#refuseFaults());
  }

  /** Loads the check for `sls deploy` only: it loads zod, which takes time. */
  async #refuseFaults(): Promise<void> {
    const { provider, functions = {} } = this.#serverless.service;
    const { loadApiConfig } = await import('../../lib/config.ts');
    for (const { environment } of Object.values(functions)) {
      loadApiConfig({ AWS_REGION: provider.region, ...provider.environment, ...environment });
    }
  }

  #refusePlaceholders(): void {
    const { service, classes } = this.#serverless;
    const missing = placeholders(service.custom?.mustBeSet ?? {});
    if (missing.length === 0) return;
    const names = missing.map(([name, value]) => `  ${name} (now ${value || 'empty'})`);
    throw new classes.Error(
      `Stage ${this.#stage} still has placeholders. Set these variables of the environment, as ` +
        `docs/deploy.md says, or custom.stages of serverless.yml:\n${names.join('\n')}`,
      'PLACEHOLDERS',
    );
  }

  #writeRoles(): void {
    writeRoles(this.#serverless.service, this.#serverless.getProvider('aws').naming);
  }
}
