/**
 * Everything that the plugin changes inside serverless-offline. It is JavaScript without types; the faults
 * are those of 14.8.2, and its files stand below src/lambda/. Each part goes when its fault is mended there.
 *
 * 1. `guardHandlers`: handler-runner/worker-thread-runner/WorkerThreadRunner.js listens to neither the end
 *    nor the errors of its worker thread; it waits for `error` and `exit` of a MessagePort, which has no
 *    such events. After process.exit in a handler the call hangs until the time limit, and an uncaught
 *    error ends sls offline itself.
 *    In 13.x an instance whose call ran into the time limit keeps its ended worker (LambdaFunction.js), so
 *    that all later calls of it run into the time limit, too.
 * 2. `mendAnswers`: in the same folder, workerThreadHelper.js posts what a handler threw or answered as it
 *    is. A thrown value that is no Error arrives as an answer, so its records would be lost; what cannot
 *    be cloned, as a function in an answer, never arrives.
 * 3. `mendHandlers`: handler-runner/in-process-runner/ gives a callback to the handlers of each release of
 *    Node, and waits for it without end after a handler that is not async.
 *
 * The runners of other languages are mended in runners.ts. `callFunction` mends no fault: it saves HTTP.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { MessageChannel, type Worker, type WorkerOptions } from 'node:worker_threads';
import { messageOf } from '../log.ts';
import { answerText, asOnAws, type Calling, type Handler } from './handler.ts';
import { INVOCATION_HEADER } from './invoke.ts';
import type { Calls, CapturedLine } from './lines.ts';

export interface Instance {
  setClientContext(clientContext: unknown): void;
  setEvent(event: unknown): void;
  runHandler(): Promise<unknown>;
  cleanup(): Promise<void>;
}

/** The functions that serverless-offline's HTTP server calls. */
export interface Functions {
  listFunctionNames(): readonly string[];
  /** An idle instance of the function, or a new one. */
  getByFunctionName(functionName: string): Instance;
}

interface LambdaClass {
  readonly prototype: Functions & { get(functionKey: string): Instance };
}

export interface Guard {
  /** The functions of this process; undefined before a poller's first call over HTTP, and after the end. */
  functions(): Functions | undefined;
  end(): void;
}

/** A call of a handler that is under way. */
export interface Call {
  readonly instance: Instance;
  readonly functionKey: string;
  /** The id of a poller's invocation. */
  readonly invocation: string | undefined;
  readonly isCold: boolean;
}

type Report = (message: string) => void;

interface Guarded {
  readonly functionKey: string;
  isCold: boolean;
  /** Fails the call that is under way. */
  fail: ((error: Error) => void) | undefined;
}

/** The name of serverless-offline's error for a call that ran into the time limit. */
const TIMEOUT = 'LambdaTimeoutError';

// A worker is made within the call of the instance that it belongs to.
const calling = new AsyncLocalStorage<Call>();
/** The poller's invocation that an HTTP request belongs to. */
const asked = new AsyncLocalStorage<string | undefined>();

/** The call that the caller's asynchronous context belongs to, while `guardHandlers` is in force. */
export function currentCall(): Call | undefined {
  return calling.getStore();
}

/** The instances whose worker thread reads events from JSON. */
const readers = new WeakSet<Instance>();
const JSON_OF_EVENT = 'json';

/**
 * Calls a function as serverless-offline's HTTP server does.
 *
 * @param payload the event as JSON
 * @param id the poller's id for the invocation
 * @returns the handler's answer
 */
export async function callFunction(
  functions: Functions,
  functionName: string,
  payload: Buffer,
  id?: string,
): Promise<unknown> {
  const text = payload.toString();
  const instance = functions.getByFunctionName(functionName);
  // An earlier call over HTTP may have set it.
  instance.setClientContext(undefined);
  // Text passes to another thread much faster than an object does. No JSON is read as a Map.
  instance.setEvent(readers.has(instance) ? new Map([[JSON_OF_EVENT, text]]) : parseEvent(text));
  return asked.run(id, () => instance.runHandler());
}

/**
 * The event that `callFunction` has sent to a worker thread, or that serverless-offline has.
 * @throws Error if the payload is not JSON
 */
export function eventOf(sent: unknown): unknown {
  return sent instanceof Map ? parseEvent(sent.get(JSON_OF_EVENT)) : sent;
}

function parseEvent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`The event is not JSON: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Makes the crash of a handler a function error, as on AWS, until its end.
 *
 * @param report is called with a message for each crash
 */
export async function guardHandlers(report: Report): Promise<Guard> {
  const { prototype } = await lambdaClass();
  const get = prototype.get;
  const guarded = new WeakMap<Instance, Guarded>();
  let functions: Functions | undefined;
  let isOver = false;

  const guard = (instance: Instance, functionKey: string) => {
    const state: Guarded = { functionKey, isCold: true, fail: undefined };
    guarded.set(instance, state);
    const run = instance.runHandler;
    instance.runHandler = async function runGuarded(this: Instance) {
      const crashed = Promise.withResolvers<never>();
      state.fail = crashed.reject;
      try {
        const call = { instance, functionKey, invocation: asked.getStore(), isCold: state.isCold };
        state.isCold = false;
        const answer = calling.run(call, () => run.call(this));
        answer.catch((error: Error) => {
          if (error.constructor.name === TIMEOUT) retire(instance);
        });
        return await Promise.race([answer, crashed.promise]);
      } finally {
        state.fail = undefined;
      }
    };
  };

  prototype.get = function getGuarded(functionKey) {
    const instance = get.call(this, functionKey);
    if (isOver) return instance;
    // Other plugins, for queues or streams, have functions of the same class, with pools of their own.
    if (asked.getStore() !== undefined) functions = this;
    if (!guarded.has(instance)) guard(instance, functionKey);
    return instance;
  };

  const watch = (worker: Worker) => {
    const { instance } = calling.getStore() ?? {};
    const state = instance && guarded.get(instance);
    if (state) watchWorker(worker, instance, state, report);
  };
  process.on('worker', watch);
  const request = (message: unknown) => {
    const { headers } = (message as { readonly request: IncomingMessage }).request;
    asked.enterWith(headers[INVOCATION_HEADER] as string | undefined);
  };
  subscribe('http.server.request.start', request);
  return {
    functions: () => functions,
    end: () => {
      isOver = true;
      functions = undefined;
      unsubscribe('http.server.request.start', request);
      process.off('worker', watch);
    },
  };
}

/** Keeps an instance from further calls: serverless-offline takes idle ones alone. */
function retire(instance: Instance): void {
  Object.defineProperty(instance, 'status', { value: 'ENDED' });
}

function watchWorker(worker: Worker, instance: Instance, state: Guarded, report: Report): void {
  let cause: unknown;
  let isMeant = false;
  const terminate = worker.terminate;
  worker.terminate = function terminateMeant(this: Worker) {
    isMeant = true;
    return terminate.call(this);
  };
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    if (isMeant) return;
    const error = crashError(code, cause);
    report(`${state.functionKey}: ${error.message}`);
    if (state.fail) {
      state.fail(error);
      // Its answer may still arrive, or the call ends at its time limit, out of sight.
      retire(instance);
      return;
    }
    // Between two calls: the next one gets a new worker.
    instance.cleanup().catch((reason: unknown) => report(String(reason)));
  });
}

/** In the words of AWS's runtime. */
function crashError(code: number, cause: unknown): Error {
  const why = cause instanceof Error ? `: ${cause.name}: ${cause.message}` : '';
  return new Error(`Runtime exited with error: exit status ${code}${why}`, { cause });
}

/** The warning if the service has another copy of serverless-offline than the one that this package finds. */
export function warningOfCopy(serviceFolder: string): string | undefined {
  const ours = fileURLToPath(import.meta.resolve('serverless-offline/lambda'));
  let theirs: string;
  try {
    theirs = createRequire(join(serviceFolder, 'serverless.yml')).resolve(
      'serverless-offline/lambda',
    );
  } catch {
    return undefined; // Not found from that folder: the framework has found it elsewhere.
  }
  if (theirs === ours) return undefined;
  return (
    `Kafka event source: the service has a second copy of serverless-offline (${theirs}) beside ${ours}, so ` +
    'functions are called over HTTP, and crashes of handlers do not end as on AWS. Keep one copy: run ' +
    '"npm ls serverless-offline", require one version, and install again.'
  );
}

/** From serverless-offline's own exports; the package is written in JavaScript and has no types. */
async function lambdaClass(): Promise<LambdaClass> {
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  return Lambda;
}

type WorkerClass = new (file: string | URL, options?: WorkerOptions) => Worker;

/** Calls whose late lines still find them. */
const MOST_REQUESTS = 1_000;

/** Files of serverless-offline that it does not export. */
const SCRIPT = './handler-runner/worker-thread-runner/workerThreadHelper.js';
const RUNNER = './handler-runner/in-process-runner/index.js';
const ANY_RUNNER = './handler-runner/index.js';
const LOADER = './handler-runner/in-process-runner/aws-lambda-ric/UserFunction.js';

/**
 * Makes the handlers of these functions begin and end as on AWS until the function that it returns is
 * called.
 *
 * @param functions AWS's message for a handler with a callback, by the function's key; undefined where
 * callbacks are allowed
 * @param calls is told of the calls of this process's pollers
 */
export async function mendAnswers(
  functions: ReadonlyMap<string, string | undefined>,
  calls?: Calls,
): Promise<() => void> {
  const lambda = import.meta.resolve('serverless-offline/lambda');
  const at = (file: string) => new URL(file, lambda).href;
  const [script, runner, loader] = [at(SCRIPT), at(RUNNER), at(LOADER)];
  let isOver = false;
  const found = () => {
    const key = currentCall()?.functionKey ?? '';
    return !isOver && functions.has(key) ? { callbackError: functions.get(key) } : undefined;
  };
  mendHandlers(loader, () => {
    const calling = found();
    return calling && { ...calling, busy: undefined };
  });
  const { default: InProcessRunner } = (await import(runner)) as { default: Runner };
  mend(InProcessRunner, () => found() !== undefined);
  const requests = new Requests();
  if (calls) {
    const { default: AnyRunner } = (await import(at(ANY_RUNNER))) as { default: Runner };
    changeRun(AnyRunner, (run, context) => (isOver ? run() : requests.follow(run, context, calls)));
    const tell = (line: CapturedLine) => requests.tell(line, calls);
    captureLines(InProcessRunner, () => !isOver && requests.captures(calls), tell);
  }
  const restore = replaceWorker((file, options) => {
    const { functionKey } = options.workerData ?? {};
    if (!functions.has(functionKey) || hrefOf(file) !== script) return [file, options];
    const callbackError = functions.get(functionKey);
    const workerData = { ...options.workerData, runner, loader, callbackError };
    // Beside this file, in the source as in the package.
    const ours = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
    const { instance } = currentCall() ?? {};
    if (instance) readers.add(instance);
    if (!calls?.isHeard || !instance) return [ours, { ...options, workerData }];
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (line: CapturedLine) => requests.tell(line, calls));
    port1.unref();
    requests.captured.add(instance);
    const transferList = [...(options.transferList ?? []), port2];
    return [ours, { ...options, workerData: { ...workerData, lines: port2 }, transferList }];
  });
  return () => {
    isOver = true;
    restore();
  };
}

type Change = (file: string | URL, options: WorkerOptions) => [string | URL, WorkerOptions];

function replaceWorker(change: Change): () => void {
  const threads: { Worker: WorkerClass } = process.getBuiltinModule('node:worker_threads');
  class Replaced extends threads.Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(...change(file, options));
    }
  }
  return replaceBuiltin(threads, 'Worker', Replaced);
}

/**
 * Replaces a member of one of Node's modules in the whole process.
 * @returns puts the original back, unless the member was replaced again meanwhile
 */
export function replaceBuiltin<M, K extends keyof M>(module: M, name: K, member: M[K]): () => void {
  const original = module[name];
  const use = (next: M[K]) => {
    module[name] = next;
    syncBuiltinESMExports();
  };
  use(member);
  return () => {
    if (module[name] === member) use(original);
  };
}

function hrefOf(file: string | URL): string {
  return typeof file === 'string' ? pathToFileURL(file).href : file.href;
}

/**
 * Makes serverless-offline load handlers that are called as `calling` says; undefined leaves them as they
 * are. To be called before its runner is imported, which keeps the loading function that it finds.
 *
 * @param isKept whether a handler is loaded once, as on AWS: serverless-offline looks for its file at each call
 */
export function mendHandlers(
  loader: string,
  calling: () => Calling | undefined,
  { isKept = false } = {},
): void {
  type Load = (folder: string, handler: string) => Promise<Handler>;
  const functions = createRequire(loader)(fileURLToPath(loader)) as { load: Load };
  const { load } = functions;
  let kept: Handler | undefined;
  functions.load = async (folder, handler) => {
    if (kept) return kept;
    const found = await load(folder, handler);
    const how = calling();
    const mended = how ? asOnAws(found, how) : found;
    if (isKept) kept = mended;
    return mended;
  };
}

/** One of serverless-offline's classes that run handlers. */
export interface Runner {
  readonly prototype: { run(event: unknown, context: unknown): Promise<unknown> };
}

/** The run of one call, as the class has it. */
export type Run = () => Promise<unknown>;

/**
 * Makes each run end as AWS's runtime ends it, where `isOurs` says so.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
export function mend(runner: Runner, isOurs: () => boolean): void {
  changeRun(runner, async (run) => (isOurs() ? plain(await run().catch(rethrow)) : run()));
}

/** Calls `change` for each run of the class, in its place. */
export function changeRun(
  { prototype }: Runner,
  change: (run: Run, context: Context) => Promise<unknown>,
): void {
  const { run } = prototype;
  prototype.run = async function runChanged(event, context) {
    return change(() => run.call(this, event, context), (context ?? {}) as Context);
  };
}

/** The part of a handler's context that tells the calls apart. */
interface Context {
  readonly awsRequestId?: string;
}

/** The poller's invocations by the request ids of their calls. */
class Requests {
  /** The instances whose lines are captured. */
  readonly captured = new WeakSet<Instance>();
  readonly #invocations = new Map<string, string>();

  async follow(run: Run, { awsRequestId }: Context, calls: Calls): Promise<unknown> {
    const { instance, invocation, isCold = false } = currentCall() ?? {};
    if (invocation === undefined || !instance) return run();
    if (awsRequestId !== undefined) this.#add(awsRequestId, invocation);
    calls.began({ invocation, requestId: awsRequestId, isCold });
    try {
      return await run();
    } finally {
      if (this.captured.has(instance)) calls.captures(invocation);
    }
  }

  /** Whether the lines of the call that is under way in this thread are wanted. */
  captures(calls: Calls): boolean {
    const { instance, invocation } = currentCall() ?? {};
    if (!calls.isHeard || invocation === undefined || !instance) return false;
    this.captured.add(instance);
    return true;
  }

  tell([requestId, at, line]: CapturedLine, calls: Calls): void {
    const invocation = this.#invocations.get(requestId);
    if (invocation !== undefined) calls.logged(invocation, at, line);
  }

  /** A handler may write lines after its answer, so that the last ones are kept. */
  #add(requestId: string, invocation: string): void {
    this.#invocations.set(requestId, invocation);
    const [oldest = ''] = this.#invocations.keys();
    if (this.#invocations.size > MOST_REQUESTS) this.#invocations.delete(oldest);
  }
}

const capturing = new AsyncLocalStorage<string>();

/** Tells each line that a handler writes to this thread's output, while `isWanted` says so. */
export function captureLines(
  runner: Runner,
  isWanted: () => boolean,
  tell: (line: CapturedLine) => void,
): void {
  let isReady = false;
  changeRun(runner, (run, { awsRequestId }) => {
    if (awsRequestId === undefined || !isWanted()) return run();
    if (!isReady) for (const stream of [process.stdout, process.stderr]) listen(stream, tell);
    isReady = true;
    return capturing.run(awsRequestId, run);
  });
}

function listen(stream: NodeJS.WriteStream, tell: (line: CapturedLine) => void): void {
  const write = stream.write;
  stream.write = function writeTold(this: NodeJS.WriteStream, ...args: unknown[]) {
    const requestId = capturing.getStore();
    if (requestId !== undefined) {
      const text = typeof args[0] === 'string' ? args[0] : Buffer.from(args[0] as Uint8Array);
      const lines = text.toString().split('\n');
      if (lines.at(-1) === '') lines.pop();
      for (const line of lines) tell([requestId, Date.now(), line]);
    }
    return Reflect.apply(write, this, args);
  } as NodeJS.WriteStream['write'];
}

function rethrow(thrown: unknown): never {
  throw errorOf(thrown);
}

function errorOf(thrown: unknown): Error {
  try {
    return types.isNativeError(thrown) ? copyOf(thrown) : new Error(String(thrown));
  } catch {
    // Its own code has thrown, maybe something that is no Error either.
    return new Error('The handler has thrown a value that cannot be read');
  }
}

// Other fields of an error may be of a kind that cannot pass from thread to thread.
function copyOf({ message, name, stack }: Error): Error {
  return Object.assign(new Error(message), { name, stack });
}

function plain(answer: unknown): unknown {
  return JSON.parse(answerText(answer));
}
