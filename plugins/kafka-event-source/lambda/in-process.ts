/** Calls functions of serverless-offline that run in this process: the same calls as over HTTP, without it. */
import type { Log } from '../log.ts';
import { answerText } from './handler.ts';
import { type Invoker, tooLong, toResult } from './invoke.ts';
import type { InvocationResult } from './result.ts';
import { callFunction, type Functions } from './serverless-offline.ts';

export interface InProcessOptions {
  /** The functions of this process; undefined while they are not known. */
  readonly functions: () => Functions | undefined;
  readonly functionName: string;
  readonly timeoutMs: number;
  /** Takes the calls before the functions are known, and those of an unknown function. */
  readonly http: Invoker;
  readonly log?: Pick<Log, 'error'> | undefined;
}

type End = (result: InvocationResult) => void;

/** An invoker for one function. */
export function createInProcessInvoker(options: InProcessOptions): Invoker {
  const { functionName, timeoutMs, http, log } = options;
  const underWay = new Set<End>();

  const call = (functions: Functions, payload: Buffer, id: string | undefined) =>
    new Promise<InvocationResult>((resolve) => {
      const end: End = (result) => {
        clearTimeout(timer);
        underWay.delete(end);
        resolve(result);
      };
      const timer = setTimeout(() => {
        const message = `no answer from ${functionName} within ${timeoutMs} ms`;
        end({ kind: 'functionError', message });
      }, timeoutMs);
      underWay.add(end);
      callFunction(functions, functionName, payload, id)
        .then(answered)
        .then(end, (error: Error) => {
          // In the words of serverless-offline's HTTP server, which logs such an error, too.
          log?.error(`Unhandled Lambda Error during invoke of '${functionName}': ${error}`);
          end(failed(error));
        });
    });

  return {
    invoke: async (payload, id) => {
      const functions = options.functions();
      return functions?.listFunctionNames().includes(functionName)
        ? call(functions, payload, id)
        : http.invoke(payload, id);
    },
    close: () => {
      for (const end of underWay) {
        end({ kind: 'notReached', message: `${functionName}: its mapping has ended` });
      }
      http.close();
    },
  };
}

function answered(answer: unknown): InvocationResult {
  const body = answerText(answer);
  return tooLong(Buffer.byteLength(body)) ?? toResult({ status: 200, invoked: {}, body });
}

/** With the body that serverless-offline's HTTP server has for an error. */
function failed({ message, stack = '' }: Error): InvocationResult {
  const trace = stack.split('\n');
  const body = JSON.stringify({ errorMessage: message, errorType: 'Error', trace });
  return toResult({ status: 200, functionError: 'Unhandled', invoked: {}, body });
}
