/** Runs handlers in this process as Lambda runs them: one call at a time in an instance, with a time limit. */
import { types } from 'node:util';
import { answerText, asOnAws, type Handler, isPromise } from '../lambda/handler.ts';
import { tooLong, toResult } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import type { Clock } from '../time.ts';
import { environmentOf, type Inside, inside, type Opened } from './environment.ts';
import { watched } from './leaks.ts';
import type { FunctionOptions, Handler as GivenHandler } from './types.ts';

/** A call of a handler. */
export interface Call {
  readonly payload: string;
  readonly requestId: string;
}

type Load = () => GivenHandler | Promise<GivenHandler>;
/** How a call has ended, in the terms of Lambda's API. */
interface Ended {
  readonly body: string;
  readonly isError: boolean;
  /** Whether the instance is gone. */
  readonly isOver: boolean;
}

/** An execution environment, which keeps the state of its handler's module, and its variables. */
interface Instance {
  readonly inside: Inside;
  readonly handler: Promise<Handler>;
}

const VERSION = '$LATEST';
const MEMORY_MB = '1024';
const LOG_STREAM = `test/[${VERSION}]`;

export class Instances {
  readonly #clock: Clock;
  readonly #load: Load;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #opened: Opened[];
  #free: Instance[] = [];

  /** @param opened gets the timers and handles that the handlers open */
  constructor(
    given: GivenHandler | FunctionOptions,
    clock: Clock,
    environment: Readonly<Record<string, string>>,
    opened: Opened[],
  ) {
    this.#clock = clock;
    this.#load = loadOf(given);
    this.#environment = environment;
    this.#opened = opened;
  }

  /** Ends all instances: the next calls make new ones. */
  end(): void {
    this.#free = [];
  }

  /** @param isLast whether the instance ends with the call */
  async call(mapping: Mapping, call: Call, isLast = false): Promise<InvocationResult> {
    const free = this.#free;
    return watched(async () => {
      const instance = free.pop() ?? this.#make(mapping);
      if (isLast) instance.inside.isOver = true;
      const { body, isError, isOver } = await this.#run(instance, mapping, call);
      if (isOver) instance.inside.isOver = true;
      else if (!isLast) free.push(instance);
      return resultOf(call.requestId, body, isError);
    });
  }

  #make(mapping: Mapping): Instance {
    const { functionKey, callbackError } = mapping;
    const env = environmentOf({ ...variablesOf(mapping), ...this.#environment });
    const own = { functionKey, env, opened: this.#opened };
    const load = async () => {
      const handler: unknown = await this.#load();
      if (typeof handler === 'function') return handler as Handler;
      throw new Error(
        `load of ${functionKey} must return a function, the handler, but returned: ${typeof handler}.`,
      );
    };
    return {
      inside: own,
      handler: inside
        .run(own, load)
        .then((handler) => asOnAws(handler, { callbackError, busy: undefined })),
    };
  }

  async #run(instance: Instance, mapping: Mapping, call: Call): Promise<Ended> {
    const { timeoutMs } = mapping;
    const end = this.#clock.monotonic() + timeoutMs;
    const late = Promise.withResolvers<Ended>();
    const cancel = this.#clock.after(
      timeoutMs,
      () =>
        late.resolve({
          body: timeoutBody(call.requestId, timeoutMs),
          isError: true,
          isOver: true,
        }),
      'pause',
    );
    instance.inside.exit = (code) => {
      const body = exitBody(call.requestId, code);
      late.resolve({ body, isError: true, isOver: true });
    };
    const remaining = () => Math.max(0, end - this.#clock.monotonic());
    const context = contextOf(mapping, call, remaining);
    const failed = (isOver: boolean) => (error: unknown) => {
      return { body: errorText(error), isError: true, isOver };
    };
    const answered = instance.handler.then(
      (handler) =>
        inside
          .run(instance.inside, () => answerOf(handler, JSON.parse(call.payload), context))
          .then((answer) => ({ body: answerText(answer), isError: false, isOver: false }))
          .catch(failed(false)),
      // An instance whose handler could not be loaded is gone: the next attempt loads it anew.
      failed(true),
    );
    try {
      return await Promise.race([answered, late.promise]);
    } finally {
      cancel();
    }
  }
}

/** The result of a function that ends with this error. */
export function failedWith(requestId: string, errorMessage: string): InvocationResult {
  return resultOf(requestId, JSON.stringify({ errorType: 'Error', errorMessage }), true);
}

/** The result of a function over its time limit, in AWS's words. */
export function timeoutOf(requestId: string, timeoutMs: number): InvocationResult {
  return resultOf(requestId, timeoutBody(requestId, timeoutMs), true);
}

/** The result of a function whose process has ended with this code, in AWS's words. */
export function exitOf(requestId: string, code: number): InvocationResult {
  return resultOf(requestId, exitBody(requestId, code), true);
}

function exitBody(requestId: string, code: number): string {
  const why = code === 0 ? 'without providing a reason' : `with error: exit status ${code}`;
  const errorMessage = `RequestId: ${requestId} Error: Runtime exited ${why}`;
  return JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage });
}

function timeoutBody(requestId: string, timeoutMs: number): string {
  const seconds = (timeoutMs / 1000).toFixed(2);
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage });
}

/** Read as an answer of Lambda's API is. */
function resultOf(requestId: string, body: string, isError: boolean): InvocationResult {
  const functionError = isError ? 'Unhandled' : undefined;
  const invoked = { requestId, executedVersion: VERSION };
  const long = tooLong(Buffer.byteLength(body));
  if (long) return { ...long, ...invoked };
  return toResult({ status: 200, functionError, invoked, body });
}

function loadOf(given: GivenHandler | FunctionOptions): Load {
  if (typeof given === 'function') return () => given;
  const { handler, load } = given;
  if (load) return load;
  if (handler) return () => handler;
  throw new Error('A function needs a handler, or load, which makes one.');
}

/** The handler's answer: of its promise, or of its callback. */
function answerOf(handler: Handler, event: unknown, context: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback = (error?: unknown, answer?: unknown) =>
      error === undefined || error === null ? resolve(answer) : reject(error);
    const ends = {
      done: callback,
      succeed: (answer?: unknown) => resolve(answer),
      fail: (error?: unknown) => reject(error),
    };
    const returned = handler(event, { ...context, ...ends }, callback);
    if (isPromise(returned)) (returned as PromiseLike<unknown>).then(resolve, reject);
  });
}

function contextOf({ functionName, functionArn }: Mapping, call: Call, remaining: () => number) {
  return {
    awsRequestId: call.requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: VERSION,
    getRemainingTimeInMillis: remaining,
    invokedFunctionArn: functionArn,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: LOG_STREAM,
    memoryLimitInMB: MEMORY_MB,
  };
}

/**
 * Lambda's own variables. The region is the one of the test, if it has one: its clients may use it, too.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
function variablesOf({ functionName, endpoints: { region } }: Mapping): Record<string, string> {
  return {
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: VERSION,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: MEMORY_MB,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: LOG_STREAM,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    ...(process.env.AWS_REGION === undefined && { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
  };
}

/** An error in the form of AWS's runtime client, and in its words if the error cannot be read. */
function errorText(error: unknown): string {
  try {
    const isError = types.isNativeError(error) || error instanceof Error;
    const { name, message, stack } = isError ? error : new Error(String(error));
    const trace = stack?.split('\n') ?? [];
    return JSON.stringify({ errorType: name, errorMessage: message, trace });
  } catch {
    const errorMessage =
      'callback called with Error argument, but there was a problem while retrieving one or more of ' +
      'its message, name, and stack';
    return JSON.stringify({ errorType: 'handled', errorMessage });
  }
}
