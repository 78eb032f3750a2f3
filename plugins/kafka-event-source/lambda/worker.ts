/** Runs in the worker thread of a function, in the place of serverless-offline's own script. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  captureLines,
  eventOf,
  mend,
  mendHandlers,
  type Runner,
  replaceBuiltin,
} from './serverless-offline.ts';
import { ownSignal } from './signal.ts';

interface Data {
  readonly runner: string;
  readonly loader: string;
  readonly callbackError: string | undefined;
  /** Takes the lines of the handler; undefined if nobody wants them. */
  readonly lines: MessagePort | undefined;
}

/** A call, as serverless-offline's thread sends it. */
interface Call {
  readonly event: unknown;
  readonly context: unknown;
  /** Takes the answer. */
  readonly port: MessagePort;
}

const { runner, loader, callbackError, lines } = workerData as Data;
guardKill();
const busy = () => process.getActiveResourcesInfo().length;
mendHandlers(loader, () => ({ callbackError, busy }), { isKept: true });
type RunnerClass = Runner & (new (options: unknown, env: object) => Runner['prototype']);
const { default: InProcessRunner } = (await import(runner)) as { default: RunnerClass };
mend(InProcessRunner, () => true);
if (lines)
  captureLines(
    InProcessRunner,
    () => true,
    (line) => lines.postMessage(line),
  );
// The thread has its environment already. serverless-offline's script sets it anew for each call.
const handler = new InProcessRunner(workerData, {});
const run = async ({ event, context }: Call) => handler.run(eventOf(event), context);
parentPort?.on('message', async (call: Call) => {
  call.port.postMessage(await run(call).catch((error: unknown) => error));
  call.port.close();
});

/** A signal of the handler to its process ends this thread, as it ends the instance on AWS, and not `sls offline`. */
function guardKill(): void {
  const { kill } = process;
  replaceBuiltin(process, 'kill', (pid, signal = 'SIGTERM') => {
    const own = ownSignal(pid, signal);
    if (!own) return kill.call(process, pid, signal);
    if (process.listenerCount(own.name) === 0) process.exit(own.status);
    // No signal reaches the listeners of a thread.
    setImmediate(() => process.emit(own.name, own.name));
    return true;
  });
}
