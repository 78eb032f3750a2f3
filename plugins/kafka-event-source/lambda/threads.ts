/** Makes handlers of Node end as on AWS, in serverless-offline's worker threads and in its own. */
import { syncBuiltinESMExports } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { mend, type Runner } from './answer.ts';
import { calledFunction } from './crash.ts';

type WorkerClass = new (file: string | URL, options?: WorkerOptions) => Worker;

/** What serverless-offline has in its folder; neither is among its exports. */
const SCRIPT = './handler-runner/worker-thread-runner/workerThreadHelper.js';
const RUNNER = './handler-runner/in-process-runner/index.js';

/** Mends the handlers of these functions until the function that it returns is called. */
export async function mendAnswers(functionKeys: ReadonlySet<string>): Promise<() => void> {
  const lambda = import.meta.resolve('serverless-offline/lambda');
  const [script, runner] = [SCRIPT, RUNNER].map((file) => new URL(file, lambda).href);
  if (!script || !runner) return () => undefined;
  const { default: InProcessRunner } = (await import(runner)) as { default: Runner };
  let isOver = false;
  mend(InProcessRunner, () => !isOver && functionKeys.has(calledFunction() ?? ''));
  const restore = replaceWorker((file, options) => {
    const { functionKey } = options.workerData ?? {};
    if (!functionKeys.has(functionKey) || hrefOf(file) !== script) return [file, options];
    const workerData = { ...options.workerData, script, runner };
    // Beside this file, in the source as in the package.
    const begin = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
    return [begin, { ...options, workerData }];
  });
  return () => {
    isOver = true;
    restore();
  };
}

type Change = (file: string | URL, options: WorkerOptions) => [string | URL, WorkerOptions];

function replaceWorker(change: Change): () => void {
  const threads: { Worker: WorkerClass } = process.getBuiltinModule('node:worker_threads');
  const { Worker: Original } = threads;
  class Replaced extends Original {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(...change(file, options));
    }
  }
  const use = (Class: WorkerClass) => {
    threads.Worker = Class;
    syncBuiltinESMExports();
  };
  use(Replaced);
  return () => {
    if (threads.Worker === Replaced) use(Original);
  };
}

function hrefOf(file: string | URL): string {
  return typeof file === 'string' ? pathToFileURL(file).href : file.href;
}
