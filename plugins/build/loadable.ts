import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** A function as serverless.yml has it, as far as loading its code needs it. */
export type Definition = { handler?: string; environment?: Record<string, unknown> };

/** What the worker is told of a function, and what it tells. */
export type Order = {
  name: string;
  file: string;
  exported: string;
  environment: Record<string, string>;
};
export type Loaded = { name: string; fault?: string };

/** Three times as long as Lambda gives a function to initialize: a laptop may be busy. */
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const LIMIT = 30_000;

/**
 * Loads the code of each function once, in its environment, and throws it away: a function that cannot
 * load would else be found by its first caller, or, where it has none, by nobody.
 *
 * @returns `<name>: <reason>` for each that does not load
 */
export async function unloadable(
  functions: Record<string, Definition>,
  provided: Record<string, unknown>,
  serviceDir: string,
): Promise<string[]> {
  const orders = Object.entries(functions).flatMap(([name, { handler, environment }]) => {
    if (!handler) return [];
    const [, path = '', exported = ''] = /^(.*)\.([^.]+)$/.exec(handler) ?? [];
    const file = join(serviceDir, `${path}.js`);
    return [{ name, file, exported, environment: textsOf({ ...provided, ...environment }) }];
  });
  const faults: string[] = [];
  // A worker that ends at one function is followed by another for those behind it.
  while (orders.length > 0) {
    const { done, ended } = await load(orders);
    faults.push(...done.flatMap(({ name, fault }) => (fault ? [`${name}: ${fault}`] : [])));
    const [broken] = orders.splice(0, done.length + 1).slice(done.length);
    if (broken) faults.push(`${broken.name}: ${ended}`);
  }
  return faults;
}

/** Until all are loaded, or one ends the worker or takes too long. */
async function load(orders: Order[]): Promise<{ done: Loaded[]; ended: string }> {
  const done: Loaded[] = [];
  const worker = new Worker(new URL('./loader.ts', import.meta.url), { workerData: orders });
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, LIMIT, `it does not load within ${LIMIT / 1000} s`);
  worker.on('message', (loaded: Loaded) => {
    done.push(loaded);
    timer.refresh();
    if (done.length === orders.length) resolve('');
  });
  worker.on('error', (error) => resolve(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => resolve(`it ends its process at load, with exit code ${code}`));
  try {
    return { ended: await promise, done };
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/** References of CloudFormation have no value here. */
function textsOf(environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      typeof value === 'object' ? [] : [[name, String(value)]],
    ),
  );
}
