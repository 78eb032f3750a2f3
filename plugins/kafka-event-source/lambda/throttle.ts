/** Throttles invocations beyond the reserved concurrency, which serverless-offline does not know. */
import type { InvocationResult } from './result.ts';

type Invoke = (payload: string) => Promise<InvocationResult>;

/** The number of a function's invocations in flight, by its name. */
export type Running = Map<string, number>;

/** AWS: a reserved concurrency of 0 throttles every invocation; its records wait. */
export function throttle(
  invoke: Invoke,
  functionName: string,
  reserved: number | undefined,
  running: Running,
): Invoke {
  if (reserved === undefined) return invoke;
  return async (payload) => {
    const count = running.get(functionName) ?? 0;
    if (count >= reserved) {
      const message = `throttled: the function's reservedConcurrency is ${reserved}`;
      return { kind: 'notReached', message };
    }
    running.set(functionName, count + 1);
    try {
      return await invoke(payload);
    } finally {
      running.set(functionName, (running.get(functionName) ?? 1) - 1);
    }
  };
}
