import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Route } from '../deploy/authorizer.ts';

/** The part of a function in serverless.yml that is needed to load its code and to show its routes. */
export type Definition = {
  handler?: string;
  environment?: Record<string, unknown>;
  events?: ({ httpApi?: string | Route } & Record<string, unknown>)[];
};

/** Asks the worker to load a function; {@link Loaded} is its answer. */
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
 * Loads the code of each function once, in its environment, and throws it away. Otherwise only the
 * first call would show that a function cannot load, and a function without calls never would.
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
  // If a worker ends at one function, a new worker loads the functions after it.
  while (orders.length > 0) {
    const { done, ended } = await load(orders);
    faults.push(...done.flatMap(({ name, fault }) => (fault ? [`${name}: ${fault}`] : [])));
    const [broken] = orders.splice(0, done.length + 1).slice(done.length);
    if (broken) faults.push(`${broken.name}: ${ended}`);
  }
  return faults;
}

/** Loads functions until all are loaded, or one of them ends the worker or takes too long. */
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

/** Leaves out references of CloudFormation, which have no value here. */
function textsOf(environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      typeof value === 'object' ? [] : [[name, String(value)]],
    ),
  );
}
