/** Lets the invocations at one address wait for each other. */
import type { Invoker } from '../lambda/invoke.ts';
import type { Slots } from './slots.ts';

/** An invoker whose invocations wait for one of the slots, which several invokers share. */
export function takingTurns(invoker: Invoker, slots: Slots): Invoker {
  const closing = new AbortController();
  return {
    async invoke(payload, id) {
      const mayBegin = await slots.take(closing.signal);
      if (!mayBegin) return { kind: 'notReached', message: 'the mapping has ended' };
      try {
        return await invoker.invoke(payload, id);
      } finally {
        slots.release();
      }
    },
    close() {
      closing.abort();
      invoker.close();
    },
  };
}
