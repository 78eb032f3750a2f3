import { asSent, isHttpEvent } from './gateway.ts';
import type { Call, LambdaClass } from './lambda.ts';

/** The answer of an HTTP API to a failed invocation. */
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
const FAILED = {
  statusCode: 500,
  headers: { 'content-type': 'application/json' },
  body: '{"message":"Internal Server Error"}',
};

/**
 * Answers a request whose invocation failed (at load, by a throw, a crash or the time limit) as an
 * HTTP API does: serverless-offline answers 200 with the stack. Lambda's Invoke gets the error.
 *
 * Works on the calls that wait for their turn, so `limitInstances` comes before it.
 */
export function answerFailures(
  { prototype }: LambdaClass<Call>,
  report: (message: string) => void,
): void {
  const { get, getByFunctionName } = prototype;
  let isInvoke = false;
  prototype.getByFunctionName = function getForInvoke(functionName) {
    isInvoke = true;
    try {
      return getByFunctionName.call(this, functionName);
    } finally {
      isInvoke = false;
    }
  };
  prototype.get = function getAnswering(functionKey) {
    const call = get.call(this, functionKey);
    const isInstance = 'cleanup' in call; // of a call whose turn has come: it was wrapped before
    if (isInvoke || isInstance) return call;
    return answering(call, (error) => {
      report(`${functionKey} failed, so its caller got 500: ${describe(error)}`);
    });
  };
}

function answering(call: Call, tell: (error: unknown) => void): Call {
  let isRequest = false;
  return {
    setEvent(event) {
      isRequest = isHttpEvent(event);
      call.setEvent(isHttpEvent(event) ? asSent(event) : event);
    },
    setClientContext: (context) => call.setClientContext(context),
    async runHandler() {
      try {
        return await call.runHandler();
      } catch (error) {
        if (!isRequest) throw error; // A schedule has no caller: serverless-offline logs the error.
        tell(error);
        return FAILED;
      }
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
