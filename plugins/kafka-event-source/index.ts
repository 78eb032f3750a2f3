/** Serverless plugin: Lambda's Kafka event source for `sls offline`. */
// Imported first: under an older Node the other modules fail without naming Node.
import './node-check.ts';
import { COMMANDS, type CommandName, runCommand } from './commands/commands.ts';
import { type Loaded, mappingsOf } from './definition.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { loadDefinitions, placeOf, readService, type Serverless } from './framework.ts';
import { Calls } from './lambda/lines.ts';
import { messageOf, type UserLog } from './log.ts';
import { customSchema } from './options.ts';
import { STORE_FOLDER } from './recorder/types.ts';
import { replaceNames } from './template/name.ts';
import { defineProperties } from './template/properties.ts';
import { writeProperties } from './template/write.ts';

interface Utils {
  readonly log: UserLog;
  readonly writeText?: (text: string) => void;
}

interface CliOptions {
  readonly lambdaPort?: number | string;
  readonly host?: string;
  readonly noTimeout?: boolean;
  readonly useDocker?: boolean;
}

// serverless-offline's defaults.
const LAMBDA = { host: 'localhost', port: 3002 } as const;

export default class KafkaEventSource {
  readonly commands = COMMANDS;
  readonly hooks = {
    'kafka:alarms:run': () => this.#command('alarms'),
    'kafka:mappings:run': () => this.#command('mappings'),
    'kafka:generate-event:run': () => this.#command('generate-event'),
    'kafka:produce:run': () => this.#command('produce'),
    'kafka:record:export:run': () => this.#command('record export'),
    'kafka:record:import:run': () => this.#command('record import'),
    'kafka:record:replay:run': () => this.#command('record replay'),
    'kafka:redrive:run': () => this.#command('redrive'),
    'kafka:status:run': () => this.#command('status'),
    'before:package:createDeploymentArtifacts': () => this.#keepOutOfPackage(),
    'before:package:function:package': () => this.#keepOutOfPackage(),
    'after:package:compileEvents': () => this.#writeTemplate(),
    'after:aws:package:finalize:mergeCustomProviderResources': () => this.#nameMappings(),
    'before:offline:start': () => this.#warnOfBareCommand(),
    'before:offline:start:init': () => this.#read(),
    'after:offline:start:init': () => this.#start(),
    'before:offline:start:end': () => this.#stop(),
  };

  readonly #serverless: Serverless;
  readonly #cli: CliOptions;
  readonly #utils: Utils;
  readonly #log: UserLog;
  #loaded: Loaded | undefined;
  #engine: Engine | undefined;
  readonly #unguard: (() => void)[] = [];
  readonly #calls = new Calls();

  constructor(serverless: Serverless, cli: CliOptions, utils: Utils) {
    this.#serverless = serverless;
    this.#cli = cli;
    this.#utils = utils;
    this.#log = utils.log;
    serverless.configSchemaHandler.defineCustomProperties(customSchema);
    defineProperties(serverless.configSchemaHandler);
  }

  /** Runs a command. Its error becomes one of the framework's, which is printed without a stack. */
  async #command(name: CommandName): Promise<void> {
    const { writeText = (text) => void process.stdout.write(`${text}\n`) } = this.#utils;
    const { Error: FrameworkError } = this.#serverless.classes;
    try {
      await runCommand(name, {
        loaded: loadDefinitions(this.#serverless),
        place: placeOf(this.#serverless),
        options: this.#cli as Readonly<Record<string, unknown>>,
        debug: (message) => this.#log.debug(message),
        print: writeText,
        endpoint: this.#offlineEndpoint(),
        invocation: (functionKey, file) => `sls invoke local -f ${functionKey} -p ${file}`,
      });
    } catch (error) {
      if (error instanceof FrameworkError) throw error;
      throw new FrameworkError(messageOf(error), 'KAFKA_EVENT_SOURCE_COMMAND');
    }
  }

  /** The recorder's memory belongs to this machine. */
  #keepOutOfPackage(): void {
    const { service } = this.#serverless;
    service.package ??= {};
    service.package.patterns = [...(service.package.patterns ?? []), `!${STORE_FOLDER}/**`];
  }

  #writeTemplate(): void {
    const { compiledCloudFormationTemplate: template } = this.#serverless.service.provider;
    writeProperties(readService(this.#serverless), template);
  }

  /** Runs after the framework has merged the user's resources: their alarms refer to mappings by name. */
  #nameMappings(): void {
    const { functions } = readService(this.#serverless);
    const { compiledCloudFormationTemplate: template } = this.#serverless.service.provider;
    replaceNames(
      template,
      functions.flatMap(({ logicalIds }) => logicalIds.slice(0, 1)),
    );
  }

  // `sls offline` without `start` runs no hook after its endpoint is up, so polling cannot start.
  #warnOfBareCommand(): void {
    const { definitions } = loadDefinitions(this.#serverless).definitions;
    if (definitions.length === 0) return;
    this.#log.warning(
      `Kafka event sources do not run under "sls offline": use "sls offline start". Not polled: ` +
        `${definitions.map(({ name }) => name).join(', ')}.`,
    );
  }

  async #start(): Promise<void> {
    const loaded = this.#loaded ?? this.#read();
    const { definitions, options } = loaded;
    if (definitions.definitions.length === 0) return;
    const functions = await this.#guard(loaded);
    // kafkajs is loaded here, so that commands which never poll do not wait for it.
    const { Engine } = await import('./engine.ts');
    const endpoint = options.lambdaEndpoint ?? this.#offlineEndpoint();
    this.#engine = await Engine.start(loaded, {
      place: placeOf(this.#serverless),
      log: this.#log,
      endpoint,
      noTimeout: this.#offline().noTimeout,
      calls: this.#calls,
      // Functions at another endpoint are others.
      functions: options.lambdaEndpoint === undefined ? functions : undefined,
    });
  }

  /**
   * Lets failed calls end as on AWS. If that cannot be, a warning says so, and the mappings run.
   * @returns finds serverless-offline's functions; undefined if calls cannot end as on AWS
   */
  async #guard({ definitions, service }: Loaded): Promise<EngineOptions['functions']> {
    const functions = new Map(
      mappingsOf(definitions).map(({ functionKey, callbackError }) => [functionKey, callbackError]),
    );
    try {
      const { guardHandlers, mendAnswers, warningOfCopy } = await import(
        './lambda/serverless-offline.ts'
      );
      const warning = warningOfCopy(placeOf(this.#serverless).folder);
      if (warning !== undefined) this.#log.warning(warning);
      const guard = await guardHandlers((message) => this.#log.error(message));
      this.#unguard.push(guard.end);
      this.#unguard.push(await mendAnswers(functions, this.#calls));
      const { mendRunners } = await import('./lambda/runners.ts');
      const programs = new Map(
        service.functions
          .filter(({ key }) => functions.has(key))
          .map(({ key, runtime, timeoutSeconds }) => [
            key,
            { runtime, timeoutMs: timeoutSeconds * 1000 },
          ]),
      );
      const { useDocker = false } = this.#offline();
      const print = (line: string) => this.#log.notice(line);
      this.#unguard.push(await mendRunners(programs, { useDocker, print }));
      return guard.functions;
    } catch (error) {
      this.#log.warning(
        'Kafka event source: serverless-offline could not be changed, so some calls do not end as on AWS: of a ' +
          'handler that crashes, throws a value that is no Error, has a callback, or is not of Node. ' +
          `${messageOf(error)}`,
      );
      return undefined;
    }
  }

  async #stop(): Promise<void> {
    for (const unguard of this.#unguard) unguard();
    await this.#engine?.stop();
  }

  /** Runs before serverless-offline listens: after an error, its servers would keep the process alive. */
  #read(): Loaded {
    this.#loaded = loadDefinitions(this.#serverless, { isStart: true });
    return this.#loaded;
  }

  #offline(): CliOptions {
    const custom = this.#serverless.service.custom?.['serverless-offline'];
    return { ...(custom as CliOptions | undefined), ...this.#cli };
  }

  #offlineEndpoint(): string {
    const { host = LAMBDA.host, lambdaPort = LAMBDA.port } = this.#offline();
    const reachable = host === '0.0.0.0' || host === '::' ? LAMBDA.host : host;
    return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${lambdaPort}`;
  }
}
