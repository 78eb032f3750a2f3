/**
 * What AWS's runtime makes of a handler's end, where serverless-offline makes something else of it:
 * there what is thrown and is no Error counts as an answer, so its records would be lost, and an
 * answer that JSON cannot hold never comes out of the worker thread.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import { types } from 'node:util';

/** serverless-offline's class that runs a handler of Node. */
export interface Runner {
  readonly prototype: { run(event: unknown, context: unknown): Promise<unknown> };
}

/** Makes each run end as on AWS, where `isOurs` says so. */
export function mend({ prototype }: Runner, isOurs: () => boolean): void {
  const run = prototype.run;
  prototype.run = async function runMended(event, context) {
    const running = run.call(this, event, context);
    if (!isOurs()) return running;
    return plain(await running.catch(rethrow));
  };
}

function rethrow(thrown: unknown): never {
  throw types.isNativeError(thrown) ? copyOf(thrown) : new Error(String(thrown));
}

// What an error has besides may not pass from thread to thread.
function copyOf({ message, name, stack }: Error): Error {
  return Object.assign(new Error(message), { name, stack });
}

function plain(answer: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(answer);
  } catch (cause) {
    // AWS's words.
    throw new Error('Unable to stringify response body', { cause });
  }
  return text === undefined ? null : JSON.parse(text);
}
