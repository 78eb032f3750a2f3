import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildFunctions, watchFunctions } from '../../esbuild.config.ts';
import { type AwsProvider, useKeysOf } from './keys.ts';
import { type Definition, unloadable } from './loadable.ts';
import {
  actAsHttpApi,
  answerFailures,
  lambdaClass,
  limitInstances,
  type Offline,
  retireOnRebuild,
} from './serverless-offline.ts';
import { holdFirstCall, holdOutput, routesOf } from './terminal.ts';

type Serverless = {
  config: { servicePath: string };
  service: {
    provider: { region: string; environment?: Record<string, unknown> };
    functions?: Record<string, Definition & { package?: { patterns: string[] } }>;
  };
  getProvider(name: 'aws'): AwsProvider;
  pluginManager: { getPlugins(): object[] };
  classes: { Error: new (message: string, code: string) => Error };
};
type Utils = { log: Record<'notice' | 'error' | 'info', (message: string) => void> };

/** The most instances of a function: more than a laptop's cores can serve only take memory. */
const MAX_INSTANCES = 4;

/**
 * Builds the functions by esbuild.config.ts before every command that needs them, and packages each
 * as the folder of its bundle. Under `sls offline` it builds again at a change and then replaces idle
 * instances, limits the instances of each function, answers a request whose invocation fails as an
 * HTTP API does, and starts nothing while a function cannot load.
 */
export default class Build {
  readonly hooks: Record<string, () => Promise<void>>;
  readonly #serviceDir: string;
  readonly #serverless: Serverless;
  readonly #log: Utils['log'];
  #unwatch: (() => void) | undefined;
  #release: (() => void) | undefined;

  constructor(serverless: Serverless, options: { function?: string }, { log }: Utils) {
    this.#serverless = serverless;
    this.#serviceDir = serverless.config.servicePath;
    this.#log = log;
    const build = () => this.#build();
    const watch = () => this.#watch();
    this.hooks = {
      // Runs before the first hook of `invoke local`, in which the framework asks for credentials.
      initialize: async () => this.#useKeys(),
      'before:package:createDeploymentArtifacts': build,
      'before:deploy:function:packageFunction': build,
      'before:invoke:local:invoke': async () => {
        await this.#build(options.function);
        refuseRequire(join(this.#serviceDir, 'dist'));
      },
      'after:invoke:local:invoke': endWhenPrinted,
      'before:offline:start:init': async () => {
        await watch();
        await this.#waitForServices();
      },
      'before:offline:start': watch,
      'after:offline:start:init': async () => {
        this.#actAsHttpApi();
        this.#showRoutes();
      },
      'before:offline:start:end': async () => this.#unwatch?.(),
    };
  }

  async #build(only?: string): Promise<void> {
    this.#packBundles();
    const { functions, milliseconds } = await buildFunctions(this.#serviceDir, only);
    this.#log.info(`${functions.length} functions built in ${milliseconds} ms`);
  }

  /** Packages the folder of a function's handler, beside the `package.patterns` of all functions. */
  #packBundles(): void {
    for (const definition of Object.values(this.#serverless.service.functions ?? {})) {
      const { handler } = definition;
      if (handler) definition.package ??= { patterns: [`${dirname(handler)}/**`] };
    }
  }

  async #watch(): Promise<void> {
    const Lambda = await lambdaClass();
    const retire = retireOnRebuild(Lambda, (error) => this.#log.error(String(error)));
    limitInstances(Lambda, MAX_INSTANCES);
    answerFailures(Lambda, (message) => this.#log.error(message));
    this.#unwatch = await watchFunctions(this.#serviceDir, {
      built: () => {
        retire();
        this.#log.notice('Functions built again: the next call of each function runs the new code');
      },
      failed: () => this.#log.error('The functions do not build: the earlier code stays in use'),
    });
    this.#log.info('Functions built');
    await this.#refuseUnloadable().catch((error: unknown) => {
      this.#unwatch?.();
      throw error;
    });
  }

  async #refuseUnloadable(): Promise<void> {
    const { service, classes } = this.#serverless;
    const { functions = {}, provider } = service;
    const provided = { AWS_REGION: provider.region, ...provider.environment };
    const faults = await unloadable(functions, provided, this.#serviceDir);
    this.#log.info(
      `${Object.keys(functions).length} functions loaded, ${faults.length} cannot load`,
    );
    if (faults.length === 0) return;
    const list = faults.map((fault) => `  ${fault}`).join('\n');
    throw new classes.Error(`These functions cannot load:\n${list}`, 'FUNCTIONS_NOT_LOADABLE');
  }

  /** Under `npm start`, waits until its services answer, and then holds back output unless `--verbose` is set. */
  async #waitForServices(): Promise<void> {
    const { START_WHEN_THERE: file, START_OUTPUT: output } = process.env;
    while (file && !existsSync(file)) await sleep(50);
    if (output === 'short') this.#release = holdOutput();
  }

  #showRoutes(): void {
    if (!this.#release) return;
    this.#release();
    this.#log.notice(routesOf(this.#serverless.service.functions ?? {}).join('\n'));
    // `npm start` waits for this line.
    holdFirstCall('health', '/api/health');
  }

  #useKeys(): void {
    const { provider } = this.#serverless.service;
    useKeysOf(provider.environment, this.#serverless.getProvider('aws'));
  }

  #actAsHttpApi(): void {
    const offline = this.#serverless.pluginManager
      .getPlugins()
      .find((plugin): plugin is Offline => 'internals' in plugin);
    if (offline) actAsHttpApi(offline.internals().getApiGatewayServer());
  }
}

/**
 * `sls invoke local` requires a function, which no function with a top-level await allows. It imports
 * the function instead when `require` refuses it as an ES module.
 */
function refuseRequire(folder: string): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      if (context.conditions.includes('require') && specifier.startsWith(folder)) {
        throw Object.assign(new Error(`${specifier} is imported`), { code: 'ERR_REQUIRE_ESM' });
      }
      return next(specifier, context);
    },
  });
}

/**
 * `sls invoke local` waits for the event loop to be empty, which a function's warm connection to
 * Kafka never lets it be. Lambda freezes it instead; here the process ends after the answer.
 */
async function endWhenPrinted(): Promise<void> {
  await new Promise((printed) => process.stdout.write('', printed));
  process.exit();
}
