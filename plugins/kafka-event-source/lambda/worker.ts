/** Runs in the worker thread of a function, in the place of serverless-offline's own script. */
import { workerData } from 'node:worker_threads';
import { mend, mendHandlers, type Runner } from './serverless-offline.ts';

interface Data {
  readonly script: string;
  readonly runner: string;
  readonly loader: string;
  readonly callbackError: string | undefined;
}

const { script, runner, loader, callbackError } = workerData as Data;
const busy = () => process.getActiveResourcesInfo().length;
mendHandlers(loader, () => ({ callbackError, busy }));
const { default: InProcessRunner } = (await import(runner)) as { default: Runner };
mend(InProcessRunner, () => true);
await import(script);
