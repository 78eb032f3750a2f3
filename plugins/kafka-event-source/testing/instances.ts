/** Runs handlers in this process as Lambda runs them: one call at a time in an instance, with a time limit. */
import { answerText, asOnAws, type Handler, isPromise } from '../lambda/handler.ts';
import { toResult } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import type { Clock } from '../time.ts';
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

const VERSION = '$LATEST';

export class Instances {
  readonly #clock: Clock;
  readonly #load: Load;
  #free: Promise<Handler>[] = [];

  constructor(given: GivenHandler | FunctionOptions, clock: Clock) {
    this.#clock = clock;
    this.#load = loadOf(given);
  }

  /** Ends all instances: the next calls make new ones. */
  end(): void {
    this.#free = [];
  }

  /** @param isLast whether the instance ends with the call */
  async call(mapping: Mapping, call: Call, isLast = false): Promise<InvocationResult> {
    const instance = this.#free.pop() ?? this.#make(mapping);
    const free = this.#free;
    const { body, isError, isOver } = await this.#run(instance, mapping, call);
    if (!isOver && !isLast) free.push(instance);
    return resultOf(call.requestId, body, isError);
  }

  async #make({ callbackError }: Mapping): Promise<Handler> {
    const handler = (await this.#load()) as unknown as Handler;
    return asOnAws(handler, { callbackError, busy: undefined });
  }

  async #run(instance: Promise<Handler>, mapping: Mapping, call: Call): Promise<Ended> {
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
    const remaining = () => Math.max(0, end - this.#clock.monotonic());
    const answered = instance
      .then((handler) =>
        answerOf(handler, JSON.parse(call.payload), contextOf(mapping, call, remaining)),
      )
      .then((answer) => ({ body: answerText(answer), isError: false, isOver: false }))
      .catch((error: unknown) => ({ body: errorText(error), isError: true, isOver: false }));
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

function timeoutBody(requestId: string, timeoutMs: number): string {
  const seconds = (timeoutMs / 1000).toFixed(2);
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage });
}

/** Read as an answer of Lambda's API is. */
function resultOf(requestId: string, body: string, isError: boolean): InvocationResult {
  const functionError = isError ? 'Unhandled' : undefined;
  const invoked = { requestId, executedVersion: VERSION };
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
    logStreamName: `test/[${VERSION}]`,
    memoryLimitInMB: '1024',
  };
}

function errorText(error: unknown): string {
  const {
    name: errorType,
    message: errorMessage,
    stack,
  } = error instanceof Error ? error : new Error(String(error));
  return JSON.stringify({ errorType, errorMessage, trace: stack?.split('\n') ?? [] });
}
