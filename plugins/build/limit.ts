import type { Call, LambdaClass } from './lambda.ts';

/**
 * Bounds the instances of each function. serverless-offline starts one for every call that finds none
 * idle: a burst of 64 requests is 64 threads that all load the code at once, on the few cores of a
 * laptop, so that the first answers take longer than the functions' time limit. Here a call beyond
 * the limit waits its turn, first come, first served.
 *
 * Differs from AWS: Lambda gives every instance a processor of its own, and beyond the account's limit
 * answers 429.
 */
export function limitInstances({ prototype }: LambdaClass<Call>, limit: number): void {
  const gates = new Map<string, Gate>();
  const get = prototype.get;
  let isInTurn = false;
  prototype.get = function getInTurn(functionKey) {
    if (isInTurn) return get.call(this, functionKey);
    const gate = gates.get(functionKey) ?? createGate(limit);
    gates.set(functionKey, gate);
    // By the outermost `get`: other plugins wrap it too, and must see the instance itself.
    const take = () => {
      isInTurn = true;
      try {
        return this.get(functionKey);
      } finally {
        isInTurn = false;
      }
    };
    return turnOf(gate, take);
  };
}

/** Stands for an instance until there is one: keeps what the call is given, and passes it on. */
function turnOf(gate: Gate, take: () => Call): Call {
  let event: unknown;
  let context: unknown;
  return {
    setEvent(value) {
      event = value;
    },
    setClientContext(value) {
      context = value;
    },
    runHandler: () =>
      gate(() => {
        const instance = take();
        instance.setClientContext(context);
        instance.setEvent(event);
        return instance.runHandler();
      }),
  };
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets so much work be under way at once; what comes later begins in the order of its coming. */
function createGate(limit: number): Gate {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
