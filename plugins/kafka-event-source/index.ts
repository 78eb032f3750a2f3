/** Serverless plugin: Lambda's Kafka event source for `sls offline`. */

import { type EventKind, type FunctionDefinition, readMappings } from './definition.ts';
import type { Log } from './delivery.ts';
import { createInvoker, type Invoker } from './invoke.ts';
import type { Mapping } from './mapping.ts';
import { ConfigurationError, customSchema, readOptions } from './options.ts';
import type { Poller } from './poller.ts';

/** The parts of the framework that the plugin uses. */
interface Serverless {
  readonly service: {
    readonly service: string | null;
    readonly provider: { readonly timeout?: number };
    readonly custom?: Readonly<Record<string, unknown>>;
    readonly resources?: {
      readonly extensions?: Readonly<Record<string, { Properties?: unknown }>>;
    };
    getAllFunctions(): string[];
    getFunction(key: string): { name: string; timeout?: number; events?: readonly unknown[] };
  };
  readonly configSchemaHandler: { defineCustomProperties(schema: object): void };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  getProvider(name: 'aws'): {
    getStage(): string;
    readonly naming: {
      getKafkaEventLogicalId(functionKey: string, topic: string): string;
      getMSKEventLogicalId(functionKey: string, cluster: string, topic: string): string;
    };
  };
}

interface CliOptions {
  readonly lambdaPort?: number | string;
  readonly host?: string;
  readonly noTimeout?: boolean;
}

interface Running {
  readonly poller: Poller;
  readonly invoker: Invoker;
}

// What serverless-offline uses when neither its settings nor the command line say otherwise.
const LAMBDA = { host: 'localhost', port: 3002, timeoutSeconds: 6 } as const;
/** Beyond the function's own timeout: a cold start is not part of it. */
const TIMEOUT_MARGIN_MS = 30_000;
const NO_TIMEOUT_MS = 15 * 60_000;

export default class KafkaEventSource {
  readonly hooks = {
    'after:offline:start:init': () => this.#start(),
    'before:offline:start:end': () => this.#stop(),
  };

  readonly #serverless: Serverless;
  readonly #cli: CliOptions;
  readonly #log: Log;
  #running: Running[] = [];

  constructor(serverless: Serverless, cli: CliOptions, { log }: { log: Log }) {
    this.#serverless = serverless;
    this.#cli = cli;
    this.#log = log;
    serverless.configSchemaHandler.defineCustomProperties(customSchema);
  }

  async #start(): Promise<void> {
    const { mappings, endpoint } = this.#read();
    // kafkajs is loaded here, so that commands which never poll do not wait for it.
    const { Poller } = await import('./poller.ts');
    for (const mapping of mappings) {
      this.#log.notice(describe(mapping));
      if (mapping.notEmulated.length > 0) {
        this.#log.warning(`${mapping.name}: not emulated: ${mapping.notEmulated.join(', ')}`);
      }
      if (!mapping.enabled) continue;
      const { functionName } = mapping;
      const timeoutMs = this.#timeoutMs(mapping);
      const invoker = createInvoker({ endpoint, functionName, timeoutMs });
      const poller = new Poller({ mapping, log: this.#log, invoke: invoker.invoke });
      poller.start();
      this.#running.push({ poller, invoker });
    }
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    await Promise.all(
      running.map(async ({ poller, invoker }) => {
        await poller.stop();
        invoker.close();
      }),
    );
  }

  #read(): { mappings: Mapping[]; endpoint: string } {
    const { service } = this.#serverless;
    try {
      const options = readOptions(service.custom?.kafkaEventSource);
      const mappings = readMappings(this.#service(), options);
      return { mappings, endpoint: options.lambdaEndpoint ?? this.#offlineEndpoint() };
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      // The framework prints its own errors without a stack trace.
      throw new this.#serverless.classes.Error(error.message, error.code);
    }
  }

  #service() {
    const { service } = this.#serverless;
    const provider = this.#serverless.getProvider('aws');
    const functions = service.getAllFunctions().map((key): FunctionDefinition => {
      const { name, events = [], timeout } = service.getFunction(key);
      const timeoutSeconds = timeout ?? service.provider.timeout ?? LAMBDA.timeoutSeconds;
      return { key, name, events, timeoutSeconds };
    });
    const logicalId = (kind: EventKind, key: string, topic: string, cluster: string) =>
      kind === 'kafka'
        ? provider.naming.getKafkaEventLogicalId(key, topic)
        : provider.naming.getMSKEventLogicalId(key, cluster, topic);
    return {
      service: service.service ?? '',
      stage: provider.getStage(),
      functions,
      extensions: service.resources?.extensions ?? {},
      logicalId,
    };
  }

  #offline(): CliOptions {
    const custom = this.#serverless.service.custom?.['serverless-offline'];
    return { ...(custom as CliOptions | undefined), ...this.#cli };
  }

  #offlineEndpoint(): string {
    const { host = LAMBDA.host, lambdaPort = LAMBDA.port } = this.#offline();
    const reachable = host === '0.0.0.0' || host === '::' ? LAMBDA.host : host;
    return `http://${reachable}:${lambdaPort}`;
  }

  #timeoutMs({ timeoutMs }: Mapping): number {
    return this.#offline().noTimeout ? NO_TIMEOUT_MS : timeoutMs + TIMEOUT_MARGIN_MS;
  }
}

function describe(mapping: Mapping): string {
  const { name, groupId, batchSize, windowMs, bootstrapServers, enabled } = mapping;
  const responses = mapping.reportBatchItemFailures ? 'ReportBatchItemFailures' : 'whole batch';
  return (
    `Kafka event source: ${name}${enabled ? '' : ' is disabled'}, group ${groupId}, batch size ` +
    `${batchSize}, window ${windowMs} ms, servers ${bootstrapServers.join(',')}, ` +
    `responses ${responses}`
  );
}
