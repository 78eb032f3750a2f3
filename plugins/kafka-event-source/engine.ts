/** The engine of plugin and command: reports the mappings of a service, polls them, and serves their API. */
import { askOf } from './actions/ask.ts';
import { Faults } from './actions/faults.ts';
import { mcpRoute } from './actions/mcp.ts';
import { actionsRoute } from './actions/routes.ts';
import { type Console, createConsole, unknownRoute } from './console/console.ts';
import { lambdaRoute, mappingsRoute } from './control/api.ts';
import { isLoopback, newAccess } from './control/guard.ts';
import { type Running, Runtime } from './control/runtime.ts';
import {
  type ControlServer,
  type Place,
  type Route,
  startServer,
  statusRoute,
} from './control/server.ts';
import { type Loaded, mappingsOf } from './definition.ts';
import { Slots } from './delivery/slots.ts';
import { takingTurns } from './delivery/turns.ts';
import { createAwsInvoker, credentialsText } from './lambda/aws.ts';
import { addressOf, createInvoker, type Invoker, timeLimitOf } from './lambda/invoke.ts';
import type { UserLog } from './log.ts';
import type { Mapping } from './mapping.ts';
import type { Metrics } from './monitoring/metrics.ts';
import { systemLogWriter } from './monitoring/writer.ts';
import { AWS } from './options.ts';
import { Poller } from './poller/poller.ts';
import type { Recorder } from './recorder/types.ts';
import { report } from './report.ts';
import { createTopics } from './topics.ts';

export interface EngineOptions {
  readonly place: Place;
  readonly log: UserLog;
  /** Lambda's API, for the functions of mappings without an endpoint of their own. */
  readonly endpoint: string;
  /** Whether invocations have no time limit, so that a debugger can hold them. */
  readonly noTimeout?: boolean | undefined;
  /** Names of functions at the endpoint, by the functions' keys; without one it is the deployed name. */
  readonly names?: ReadonlyMap<string, string>;
}

/** The one path at which AWS's runtime interface emulator has its function. */
const EMULATOR_PATH = '/2015-03-31/functions/function/invocations';

export class Engine {
  /** Undefined if the settings turn it off. */
  readonly recorder: Recorder | undefined;
  readonly #options: EngineOptions;
  readonly #faults = new Faults();
  /** The turns of the invocations at each runtime interface emulator, by its address. */
  readonly #turns = new Map<string, Slots>();
  readonly #reserved = new Map<string, { readonly limit: number; readonly slots: Slots }>();
  #loaded: Loaded;
  #runtime: Runtime | undefined;
  #server: ControlServer | undefined;
  #console: Console | undefined;

  private constructor(loaded: Loaded, options: EngineOptions) {
    this.#loaded = loaded;
    this.#options = options;
  }

  /** Reports the mappings and starts the enabled ones, whether their brokers answer yet or not. */
  static async start(loaded: Loaded, options: EngineOptions): Promise<Engine> {
    const engine = new Engine(loaded, options);
    await engine.#prepare();
    const { log } = options;
    const warn = (message: string) => log.warning(message);
    const run = (mapping: Mapping, metrics: Metrics) => engine.#run(mapping, metrics);
    engine.#runtime = new Runtime(loaded.definitions.definitions, run, warn);
    await engine.#serve(engine.#runtime);
    return engine;
  }

  /**
   * Replaces the service by a changed one. A changed mapping ends its invocations, and starts again at
   * its committed offsets. The other mappings run on.
   */
  async replace(loaded: Loaded): Promise<void> {
    this.#loaded = loaded;
    await this.#prepare();
    await this.#runtime?.replace(loaded.definitions.definitions);
  }

  async stop(): Promise<void> {
    this.#console?.stop();
    await Promise.all([this.#runtime?.stop(), this.#server?.close()]);
  }

  async #prepare(): Promise<void> {
    const { definitions, options } = this.#loaded;
    const { log } = this.#options;
    report(definitions, options, log);
    const warning = awsWarning(mappingsOf(definitions), (mapping) => this.#nameOf(mapping));
    if (warning !== undefined) log.warning(warning);
    if (options.createTopics) await createTopics(mappingsOf(definitions), log);
  }

  #run(mapping: Mapping, metrics: Metrics): Running {
    const { log } = this.#options;
    const faulty = this.#faults.seamsOf(mapping);
    const { invoke, close } = faulty.invoker(this.#invokerOf(mapping));
    const concurrency = this.#concurrency(mapping);
    const onRecord = systemLogWriter(this.#loaded.options.systemLog, log)(mapping);
    const poller = new Poller({
      mapping,
      log,
      invoke,
      concurrency,
      metrics,
      onRecord,
      wrapRegistry: faulty.registry,
      wrapDestination: faulty.destination,
    });
    poller.start();
    return {
      stats: () => poller.stats.snapshot(),
      condition: () => poller.condition,
      stop: (waitMs) => poller.stop(waitMs).finally(close),
    };
  }

  #invokerOf(mapping: Mapping): Invoker {
    const { endpoint, noTimeout } = this.#options;
    const { lambdaEndpoint } = mapping;
    const functionName = this.#nameOf(mapping);
    const timeoutMs = timeLimitOf(mapping, { noTimeout });
    if (lambdaEndpoint === AWS) {
      return createAwsInvoker({ region: regionOf(mapping), functionName, timeoutMs });
    }
    const invoker = createInvoker({
      endpoint: lambdaEndpoint ?? endpoint,
      functionName,
      timeoutMs,
      errorsInBody: lambdaEndpoint !== undefined,
    });
    return lambdaEndpoint === undefined
      ? invoker
      : this.#inTurn(invoker, addressOf(lambdaEndpoint, functionName));
  }

  /**
   * AWS's runtime interface emulator runs one invocation at a time; a second one would end its process.
   * https://github.com/aws/aws-lambda-runtime-interface-emulator
   */
  #inTurn(invoker: Invoker, { href, pathname }: URL): Invoker {
    if (pathname !== EMULATOR_PATH) return invoker;
    const turns = this.#turns.get(href) ?? new Slots(1);
    this.#turns.set(href, turns);
    return takingTurns(invoker, turns);
  }

  /** The function's name at the endpoint. */
  #nameOf({ functionKey, functionName }: Mapping): string {
    return this.#options.names?.get(functionKey) ?? functionName;
  }

  /** All mappings of a function share its reserved concurrency. */
  #concurrency({ functionName, reservedConcurrency: limit }: Mapping): Slots | undefined {
    if (limit === undefined) return undefined;
    const known = this.#reserved.get(functionName);
    if (known?.limit === limit) return known.slots;
    const slots = new Slots(limit);
    this.#reserved.set(functionName, { limit, slots });
    return slots;
  }

  /** Starts the local API. If that fails, a warning says so, and the mappings run without it. */
  async #serve(runtime: Runtime): Promise<void> {
    const { place, endpoint, log } = this.#options;
    const { apiPort, console } = this.#loaded.options;
    const { host, names, allowChanges = isLoopback(host) } = console;
    const access = newAccess({ names, allowChanges });
    const servers = () => this.#loaded.options.bootstrapServers;
    const debug = (message: string) => log.debug(message);
    const page = createConsole({ access, runtime, loaded: () => this.#loaded, debug });
    this.#console = page;
    this.#faults.listen(() => page.events.publish('fault', undefined));
    const routes: Route[] = [
      statusRoute(runtime, place, servers),
      mappingsRoute(runtime),
      actionsRoute({
        runtime,
        faults: this.#faults,
        log,
        recorder: this.recorder,
        invokerOf: (mapping) => this.#invokerOf(mapping),
        deadLetterTopics: () => this.#loaded.options.deadLetterTopics,
      }),
      mcpRoute({
        recorder: this.recorder,
        ask: askOf(() => routes),
        allowChanges: () => console.allowChanges === true,
      }),
      ...page.routes,
      unknownRoute,
      // A call that is passed on has no signature of its own.
      ...(endpoint === AWS ? [] : [lambdaRoute(apiOf(endpoint))]),
    ];
    try {
      const server = await startServer(apiPort, place, routes, { access, host });
      if (server.isMoved) {
        log.warning(
          `Kafka event source: port ${apiPort} is taken by another process. The mappings of this service ` +
            `are at ${server.url}.`,
        );
      }
      log.notice(`Kafka event source: page ${server.url}/?token=${access.token}`);
      this.#server = server;
    } catch (error) {
      log.warning(
        `Kafka event source: the status of the mappings cannot be asked, because their local API does not start: ${error}`,
      );
    }
  }
}

/** The region of a deployed function: that of its cluster, which is always its own, or the service's. */
function regionOf({ source, functionArn }: Mapping): string {
  const arn = source.eventSource === 'aws:kafka' ? source.eventSourceArn : functionArn;
  return arn.split(':')[3] ?? '';
}

/** Warns of functions that run in the user's AWS account; undefined if there are none. */
function awsWarning(
  mappings: readonly Mapping[],
  nameOf: (mapping: Mapping) => string,
): string | undefined {
  const called = mappings
    .filter(({ lambdaEndpoint }) => lambdaEndpoint === AWS)
    .map((mapping) => `${nameOf(mapping)} in ${regionOf(mapping)}`);
  if (called.length === 0) return undefined;
  return (
    `Kafka event source: these deployed functions of your AWS account are invoked, and change real data: ` +
    `${[...new Set(called)].join(', ')} (${credentialsText()}).`
  );
}

/** Lambda's API at an endpoint, which may be the whole address of a function's invocations. */
function apiOf(endpoint: string): string {
  return endpoint.replace(/\/\d{4}-\d\d-\d\d\/functions\/.*$/, '').replace(/\/+$/, '');
}
