/**
 * Calls a handler of Node as AWS's runtime clients do: aws-lambda-ric 3.3 up to Node 22, and 4.0 later.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';

type Callback = (error?: unknown, answer?: unknown) => void;
export type Handler = (event: unknown, context: object, callback?: Callback) => unknown;

/** How a handler is called. */
export interface Calling {
  /** AWS's message for a handler that declares a callback; undefined while callbacks are allowed. */
  readonly callbackError: string | undefined;
  /** Counts what keeps the event loop busy; undefined where other work shares it. */
  readonly busy: (() => number) | undefined;
}

const PAGE =
  'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
/** AWS's own messages. */
const CALLBACK_ERRORS = {
  managed:
    'ERROR: AWS Lambda does not support callback-based function handlers when using Node.js 22 with ' +
    'Managed Instances. To use Managed Instances, modify this function to use a supported handler ' +
    `signature. ${PAGE}`,
  since24:
    'ERROR: AWS Lambda has removed support for callback-based function handlers starting with ' +
    'Node.js 24. You need to modify this function to use a supported handler signature to use ' +
    `Node.js 24 or later. ${PAGE}`,
} as const;
/** A handler with so many parameters declares a callback. */
export const CALLBACK_PARAMETERS = 3;
const FIRST_WITHOUT_CALLBACKS = 24;
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const IDLE_CHECK_MS = 5;

/** AWS's message for callback handlers of such a function; undefined if it may have one. */
export function callbackErrorOf({
  runtime = '',
  isManaged = false,
}: {
  readonly runtime?: string | undefined;
  readonly isManaged?: boolean;
}): string | undefined {
  const [, major] = /^nodejs(\d+)/.exec(runtime) ?? [];
  if (major === undefined) return undefined;
  if (Number(major) >= FIRST_WITHOUT_CALLBACKS) return CALLBACK_ERRORS.since24;
  return isManaged ? CALLBACK_ERRORS.managed : undefined;
}

/**
 * The handler as AWS's client calls it.
 * @throws Error in AWS's words if the handler declares a callback and may not have one
 */
export function asOnAws(handler: Handler, { callbackError, busy }: Calling): Handler {
  if (Reflect.get(handler, STREAMING)) return handler;
  if (callbackError === undefined) return withCallback(handler, busy);
  if (handler.length >= CALLBACK_PARAMETERS) {
    throw new Error(`Runtime.CallbackHandlerDeprecated: ${callbackError}`);
  }
  return async (event, context) => {
    // AWS: the context of this client has no functions that end the call.
    const { done, fail, succeed, ...others } = context as Record<string, unknown>;
    return handler(event, others);
  };
}

/** An answer as JSON. @throws Error in AWS's words for one that cannot be written */
export function answerText(answer: unknown): string {
  try {
    return JSON.stringify(answer) ?? 'null';
  } catch (cause) {
    throw new Error('Unable to stringify response body', { cause });
  }
}

// AWS: up to Node 22 the client ignores the value that a handler returns if it is no promise. The
// callback, or else null when the event loop is empty, is the answer.
function withCallback(handler: Handler, busy: Calling['busy']): Handler {
  return (event, context, callback) => {
    const before = busy?.();
    const returned = handler(event, context, callback);
    if (isPromise(returned)) return returned;
    // Differs from AWS: there such records would count as done.
    if (hasFailures(returned)) {
      throw new Error(
        'The handler is not async, so up to Node 22 AWS ignores its return value, and the records in ' +
          'its batchItemFailures would be lost. Make the handler async.',
      );
    }
    if (busy && before !== undefined) return emptied(busy, before);
    // In a shared process nobody knows when the event loop would be empty.
    return handler.length >= CALLBACK_PARAMETERS ? undefined : Promise.resolve(null);
  };
}

/** Resolves to AWS's answer when nothing of the call is left in the event loop. */
async function emptied(busy: () => number, before: number): Promise<null> {
  do {
    await sleep(IDLE_CHECK_MS, undefined, { ref: false });
  } while (busy() > before);
  return null;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return types.isPromise(value) || typeof (value as { then?: unknown } | null)?.then === 'function';
}

function hasFailures(value: unknown): boolean {
  const failures = (value as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures;
  return Array.isArray(failures) && failures.length > 0;
}
