/** The engine of plugin and command: reports the mappings of a service, polls them, and serves their API. */
import { askOf } from './actions/ask.ts';
import { explainRoute } from './actions/explain-route.ts';
import { Faults } from './actions/faults.ts';
import { mcpRoute } from './actions/mcp.ts';
import { actionsRoute } from './actions/routes.ts';
import { type Console, createConsole, unknownRoute } from './console/console.ts';
import { keptToken } from './console/token.ts';
import { lambdaRoute, mappingsRoute } from './control/api.ts';
import { isLoopback, newAccess, newToken } from './control/guard.ts';
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
import { Invokers, type InvokersOptions } from './invokers.ts';
import type { Calls } from './lambda/lines.ts';
import type { UserLog } from './log.ts';
import type { Mapping } from './mapping.ts';
import type { Metrics } from './monitoring/metrics.ts';
import { systemLogWriter } from './monitoring/writer.ts';
import { AWS } from './options.ts';
import { Poller } from './poller/poller.ts';
import { Imports } from './recorder/imports.ts';
import { Recording } from './recorder/recording.ts';
import type { Recorder } from './recorder/types.ts';
import { report } from './report.ts';
import { createTopics } from './topics.ts';
import { tracesRoute } from './traces/route.ts';

export interface EngineOptions extends InvokersOptions {
  readonly place: Place;
  readonly log: UserLog;
  /** Tells of the calls of functions that run in this process. */
  readonly calls?: Calls;
}

export class Engine {
  readonly #recording: Recording | undefined;
  readonly #imports: Imports;
  readonly #options: EngineOptions;
  readonly #invokers: Invokers;
  readonly #faults = new Faults();
  readonly #ending = new AbortController();
  readonly #reserved = new Map<string, { readonly limit: number; readonly slots: Slots }>();
  #loaded: Loaded;
  #runtime: Runtime | undefined;
  #server: ControlServer | undefined;
  #console: Console | undefined;

  private constructor(loaded: Loaded, options: EngineOptions) {
    this.#loaded = loaded;
    this.#options = options;
    this.#imports = new Imports(options.place.folder);
    const { recorder } = loaded.options;
    this.#invokers = new Invokers({ ...options, wantsLogs: recorder !== false });
    if (!recorder) return;
    const { place, log, calls } = options;
    this.#recording = new Recording({ ...place, ...recorder, log });
    calls?.hear(this.#recording);
  }

  /** The memory of records and invocations; undefined if the settings turn it off. */
  get recorder(): Recorder | undefined {
    return this.#recording;
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
    this.#ending.abort();
    this.#console?.stop();
    await Promise.all([this.#runtime?.stop(), this.#server?.close()]);
    await Promise.all([this.#recording?.close(), this.#imports.close()]);
  }

  async #prepare(): Promise<void> {
    const { definitions, options } = this.#loaded;
    const { log } = this.#options;
    report(definitions, options, log);
    const warning = this.#invokers.awsWarning(mappingsOf(definitions));
    if (warning !== undefined) log.warning(warning);
    if (options.createTopics) await createTopics(mappingsOf(definitions), log);
  }

  #run(mapping: Mapping, metrics: Metrics): Running {
    const { log } = this.#options;
    const faulty = this.#faults.seamsOf(mapping);
    const { invoke, close } = faulty.invoker(this.#invokers.of(mapping));
    const concurrency = this.#concurrency(mapping);
    const onRecord = systemLogWriter(this.#loaded.options.systemLog, log)(mapping);
    const poller = new Poller({
      mapping,
      log,
      invoke,
      concurrency,
      metrics,
      onRecord,
      onStep: this.#recording?.observe(mapping),
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
    const { apiPort, console, recorder } = this.#loaded.options;
    const { host, names, allowChanges = isLoopback(host) } = console;
    // Without the recorder nothing is written to the service's folder.
    const token = recorder ? keptToken(place) : newToken();
    const isShared = !isLoopback(host);
    const access = newAccess({ token, names, allowChanges, isShared });
    const servers = () => this.#loaded.options.bootstrapServers;
    const debug = (message: string) => log.debug(message);
    const page = createConsole({
      access,
      runtime,
      loaded: () => this.#loaded,
      recorder: this.recorder,
      imports: this.#imports,
      debug,
      warn: (message) => log.warning(message),
    });
    this.#console = page;
    this.#faults.listen(() => page.events.publish('fault', undefined));
    const asking = { recorder: this.recorder, ask: askOf(() => routes) };
    const routes: Route[] = [
      statusRoute(runtime, place, servers),
      mappingsRoute(runtime),
      actionsRoute({
        runtime,
        faults: this.#faults,
        log,
        recorder: this.recorder,
        invokerOf: (mapping) => this.#invokers.of(mapping),
        ending: this.#ending.signal,
        deadLetterTopics: () => this.#loaded.options.deadLetterTopics,
      }),
      explainRoute(asking),
      mcpRoute({
        ...asking,
        allowChanges: () => console.allowChanges === true,
        access: isShared ? access : undefined,
      }),
      tracesRoute({ recorder: this.recorder, access: isShared ? access : undefined }),
      ...page.routes,
      unknownRoute,
      // A call that is passed on has no signature of its own.
      ...(endpoint === AWS ? [] : [lambdaRoute(endpoint)]),
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
