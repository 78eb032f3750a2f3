/** Runs in a worker thread: loads functions one after the other, each in its own environment. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Loaded, Order } from './loadable.ts';

/** As under serverless-offline, a function sees only the terminal's variables AWS_…. */
const outside = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')),
);

for (const { name, file, exported, environment } of workerData as Order[]) {
  process.env = { ...outside, ...environment };
  parentPort?.postMessage({ name, fault: await faultOf(file, exported) } satisfies Loaded);
}

async function faultOf(file: string, exported: string): Promise<string | undefined> {
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href);
    if (typeof module[exported] === 'function') return undefined;
    return `${file} has no export "${exported}" that is a function`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
