/**
 * Makes the crash of a handler a function error, as on AWS. serverless-offline runs a handler in a
 * worker thread and listens neither to its end nor to its errors: after process.exit in a handler
 * the call hangs until the time limit, and an uncaught error ends sls offline itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Worker } from 'node:worker_threads';

interface Instance {
  runHandler(): Promise<unknown>;
  cleanup(): Promise<void>;
}

interface LambdaClass {
  readonly prototype: { get(functionKey: string): Instance };
}

interface Call {
  readonly instance: Instance;
  readonly functionKey: string;
}

type Report = (message: string) => void;

interface Guarded {
  readonly functionKey: string;
  /** Fails the call that is under way. */
  fail: ((error: Error) => void) | undefined;
}

// A worker is made within the call of the instance that it belongs to.
const calling = new AsyncLocalStorage<Call>();

/** The function whose handler is being called, as far as the caller's asynchronous context tells. */
export function calledFunction(): string | undefined {
  return calling.getStore()?.functionKey;
}

/** Guards until the function that it returns is called. */
export async function guardHandlers(report: Report): Promise<() => void> {
  const { prototype } = await lambdaClass();
  const get = prototype.get;
  const guarded = new WeakMap<Instance, Guarded>();
  let isOver = false;

  const guard = (instance: Instance, functionKey: string) => {
    const state: Guarded = { functionKey, fail: undefined };
    guarded.set(instance, state);
    const run = instance.runHandler;
    instance.runHandler = async function runGuarded(this: Instance) {
      const crashed = Promise.withResolvers<never>();
      state.fail = crashed.reject;
      try {
        const answer = calling.run({ instance, functionKey }, () => run.call(this));
        return await Promise.race([answer, crashed.promise]);
      } finally {
        state.fail = undefined;
      }
    };
  };

  prototype.get = function getGuarded(functionKey) {
    const instance = get.call(this, functionKey);
    if (!isOver && !guarded.has(instance)) guard(instance, functionKey);
    return instance;
  };

  const watch = (worker: Worker) => {
    const { instance } = calling.getStore() ?? {};
    const state = instance && guarded.get(instance);
    if (state) watchWorker(worker, instance, state, report);
  };
  process.on('worker', watch);
  return () => {
    isOver = true;
    process.off('worker', watch);
  };
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
    // In the words of AWS's runtime.
    if (state.fail) state.fail(error);
    // Between two calls: the next one gets a new worker. One under way ends at its time limit, out
    // of sight, and its instance then makes a new one by itself.
    else instance.cleanup().catch((reason: unknown) => report(String(reason)));
  });
}

function crashError(code: number, cause: unknown): Error {
  const why = cause instanceof Error ? `: ${cause.name}: ${cause.message}` : '';
  return new Error(`Runtime exited with error: exit status ${code}${why}`, { cause });
}

/** From serverless-offline's own exports; the package is written in JavaScript and has no types. */
async function lambdaClass(): Promise<LambdaClass> {
  const module: string = 'serverless-offline/lambda';
  const { default: Lambda } = (await import(module)) as { default: LambdaClass };
  return Lambda;
}
