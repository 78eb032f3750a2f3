/** Runs in the worker thread of a function, in the place of serverless-offline's own script. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { captureLines, mend, mendHandlers, type Runner } from './serverless-offline.ts';

interface Data {
  readonly script: string;
  readonly runner: string;
  readonly loader: string;
  readonly callbackError: string | undefined;
  /** Takes the lines of the handler; undefined if nobody wants them. */
  readonly lines: MessagePort | undefined;
}

const { script, runner, loader, callbackError, lines } = workerData as Data;
const busy = () => process.getActiveResourcesInfo().length;
mendHandlers(loader, () => ({ callbackError, busy }));
const { default: InProcessRunner } = (await import(runner)) as { default: Runner };
mend(InProcessRunner, () => true);
if (lines)
  captureLines(
    InProcessRunner,
    () => true,
    (line) => lines.postMessage(line),
  );
await import(script);
