/** Runs in the worker thread of a function, in the place of serverless-offline's own script. */
import { workerData } from 'node:worker_threads';
import { mend, type Runner } from './serverless-offline.ts';

const { script, runner } = workerData as { readonly script: string; readonly runner: string };
const { default: InProcessRunner } = (await import(runner)) as { default: Runner };
mend(InProcessRunner, () => true);
await import(script);
