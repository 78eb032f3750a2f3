/** Serverless plugin: Lambda's Kafka event source for `sls offline`. */
import { COMMANDS, type CommandName, type CommandUtils, runCommand } from './commands/commands.ts';
import { type Running, Runtime } from './control/runtime.ts';
import type { ControlServer } from './control/server.ts';
import type { Definitions } from './definition.ts';
import { Slots } from './delivery/slots.ts';
import {
  type Loaded,
  loadDefinitions,
  placeOf,
  readService,
  type Serverless,
} from './framework.ts';
import { createInvoker, timeLimitOf } from './lambda/invoke.ts';
import type { Log as DeliveryLog } from './log.ts';
import type { Mapping } from './mapping.ts';
import type { Metrics } from './monitoring/metrics.ts';
import { systemLogWriter } from './monitoring/writer.ts';
import { customSchema } from './options.ts';
import { report, strictFaults } from './report.ts';
import { replaceNames } from './template/name.ts';
import { defineProperties } from './template/properties.ts';
import { writeProperties } from './template/write.ts';

interface Log extends DeliveryLog {
  /** Shown with --verbose only. */
  info(message: string): void;
}

interface CliOptions {
  readonly lambdaPort?: number | string;
  readonly host?: string;
  readonly noTimeout?: boolean;
}

// serverless-offline's defaults.
const LAMBDA = { host: 'localhost', port: 3002 } as const;

export default class KafkaEventSource {
  readonly commands = COMMANDS;
  readonly hooks = {
    'kafka:alarms:run': () => this.#command('alarms'),
    'kafka:generate-event:run': () => this.#command('generate-event'),
    'kafka:redrive:run': () => this.#command('redrive'),
    'kafka:status:run': () => this.#command('status'),
    'after:package:compileEvents': () => this.#writeTemplate(),
    'after:aws:package:finalize:mergeCustomProviderResources': () => this.#nameMappings(),
    'before:offline:start': () => this.#warnOfBareCommand(),
    'before:offline:start:init': () => this.#read(),
    'after:offline:start:init': () => this.#start(),
    'before:offline:start:end': () => this.#stop(),
  };

  readonly #serverless: Serverless;
  readonly #cli: CliOptions;
  readonly #utils: CommandUtils;
  readonly #log: Log;
  #loaded: Loaded | undefined;
  #runtime: Runtime | undefined;
  #server: ControlServer | undefined;
  readonly #unguard: (() => void)[] = [];

  constructor(serverless: Serverless, cli: CliOptions, utils: CommandUtils & { log: Log }) {
    this.#serverless = serverless;
    this.#cli = cli;
    this.#utils = utils;
    this.#log = utils.log;
    serverless.configSchemaHandler.defineCustomProperties(customSchema);
    defineProperties(serverless.configSchemaHandler);
  }

  #command(name: CommandName): Promise<void> {
    return runCommand(name, this.#serverless, this.#cli, this.#utils);
  }

  #writeTemplate(): void {
    const { compiledCloudFormationTemplate: template } = this.#serverless.service.provider;
    writeProperties(readService(this.#serverless), template);
  }

  /** The framework has merged the user's resources, whose alarms may refer to the names. */
  #nameMappings(): void {
    const { functions } = readService(this.#serverless);
    const { compiledCloudFormationTemplate: template } = this.#serverless.service.provider;
    replaceNames(
      template,
      functions.flatMap(({ logicalIds }) => logicalIds.slice(0, 1)),
    );
  }

  // Bare `sls offline` runs no hook after its endpoint is up, so polling cannot start.
  #warnOfBareCommand(): void {
    const { definitions } = loadDefinitions(this.#serverless).definitions;
    if (definitions.length === 0) return;
    this.#log.warning(
      `Kafka event sources do not run under "sls offline": use "sls offline start". Not polled: ` +
        `${definitions.map(({ name }) => name).join(', ')}.`,
    );
  }

  async #start(): Promise<void> {
    const { definitions, options } = this.#loaded ?? this.#read();
    if (definitions.definitions.length === 0) return;
    report(definitions, options, this.#log);
    const endpoint = options.lambdaEndpoint ?? this.#offlineEndpoint();
    await this.#guard(definitions.definitions);
    // kafkajs is loaded here, so that commands which never poll do not wait for it.
    const { Poller } = await import('./poller/poller.ts');
    const reserved = new Map(
      definitions.definitions.flatMap(({ mapping }) => {
        const { functionName, reservedConcurrency: limit } = mapping ?? {};
        return functionName === undefined || limit === undefined
          ? []
          : [[functionName, new Slots(limit)]];
      }),
    );
    const writeRecord = systemLogWriter(options.systemLog, this.#log);
    const run = (mapping: Mapping, metrics: Metrics): Running => {
      const { functionName, lambdaEndpoint } = mapping;
      const { invoke, close } = createInvoker({
        endpoint: lambdaEndpoint ?? endpoint,
        functionName,
        timeoutMs: timeLimitOf(mapping, this.#offline()),
        errorsInBody: lambdaEndpoint !== undefined,
      });
      const concurrency = reserved.get(functionName);
      const onRecord = writeRecord(mapping);
      const poller = new Poller({
        mapping,
        log: this.#log,
        invoke,
        concurrency,
        metrics,
        onRecord,
      });
      poller.start();
      return {
        stats: () => poller.stats.snapshot(),
        condition: () => poller.condition,
        stop: (waitMs) => poller.stop(waitMs).finally(close),
      };
    };
    const warn = (message: string) => this.#log.warning(message);
    this.#runtime = new Runtime(definitions.definitions, run, warn);
    await this.#serve(options.apiPort, endpoint, this.#runtime);
  }

  /** Mappings run without the guard, too; then some faults of a handler are reported unlike on AWS. */
  async #guard(definitions: Definitions['definitions']): Promise<void> {
    const mappings = definitions.flatMap(({ mapping }) => mapping ?? []);
    const functions = new Map(
      mappings.map(({ functionKey, callbackError }) => [functionKey, callbackError]),
    );
    try {
      const { guardHandlers, mendAnswers } = await import('./lambda/serverless-offline.ts');
      this.#unguard.push(await guardHandlers((message) => this.#log.error(message)));
      this.#unguard.push(await mendAnswers(functions));
    } catch (error) {
      this.#log.warning(
        `Kafka event source: a handler that crashes, throws a value that is no Error, or has a callback does not end as on AWS: ${error}`,
      );
    }
  }

  /** The mappings run without the server, too. */
  async #serve(port: number, endpoint: string, runtime: Runtime): Promise<void> {
    const { startServer, statusRoute } = await import('./control/server.ts');
    const { lambdaRoute, mappingsRoute } = await import('./control/api.ts');
    const place = placeOf(this.#serverless);
    const routes = [statusRoute(runtime, place), mappingsRoute(runtime), lambdaRoute(endpoint)];
    try {
      const server = await startServer(port, place, routes);
      if (server.isMoved) {
        this.#log.warning(
          `Kafka event source: port ${port} is taken by another process. The mappings of this service ` +
            `are at ${server.url}.`,
        );
      } else this.#log.info(`Kafka event source: mappings at ${server.url}`);
      this.#server = server;
    } catch (error) {
      this.#log.warning(
        `Kafka event source: \`sls kafka status\` cannot ask this process: ${error}`,
      );
    }
  }

  async #stop(): Promise<void> {
    for (const unguard of this.#unguard) unguard();
    await Promise.all([this.#runtime?.stop(), this.#server?.close()]);
  }

  /** Runs before serverless-offline listens: after an error, its servers would keep the process alive. */
  #read(): Loaded {
    const loaded = loadDefinitions(this.#serverless);
    if (loaded.options.strict) this.#refuse(loaded.definitions);
    this.#loaded = loaded;
    return loaded;
  }

  #refuse(definitions: Definitions): void {
    const faults = strictFaults(definitions);
    if (faults.length === 0) return;
    const advice = 'custom.kafkaEventSource.strict is true: mend these, or remove strict.';
    const { Error: FrameworkError } = this.#serverless.classes;
    throw new FrameworkError([...faults, advice].join('\n'), 'KAFKA_EVENT_SOURCE_STRICT');
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
