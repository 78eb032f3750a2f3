/**
 * A member of the group in a process of its own, as `sls offline` runs it: the emulator below its
 * commands. The argument has its options as JSON; messages stop it, set its clock or update its mapping.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Runtime } from '../../control/runtime.ts';
import type { Definition } from '../../definition.ts';
import { createInvoker } from '../../lambda/invoke.ts';
import type { Mapping } from '../../mapping.ts';
import { Poller } from '../../poller/poller.ts';
import type { Changes } from '../../settings/settings.ts';

export interface MemberArgument {
  readonly endpoint: string;
  readonly mapping: Mapping;
  readonly sessionMs: number;
}

export type Order =
  | { readonly do: 'stop' }
  /** From now on `Date.now()` differs from the true time by `ms`. */
  | { readonly do: 'clock'; readonly ms: number }
  | { readonly do: 'update'; readonly changes: Changes };

const { endpoint, mapping, sessionMs }: MemberArgument = JSON.parse(process.argv[2] ?? '');
const log = { error: console.log, warning: console.log, notice: console.log, debug: console.log };

const run = (current: Mapping) => {
  const { functionName, timeoutMs } = current;
  const { invoke, close } = createInvoker({ endpoint, functionName, timeoutMs });
  const backoff = { firstMs: 50, maxMs: 400 };
  const poller = new Poller({ mapping: current, log, invoke, backoff, sessionMs });
  poller.start();
  return {
    stats: () => poller.stats.snapshot(),
    condition: () => poller.condition,
    stop: (waitMs?: number) => poller.stop(waitMs).finally(close),
  };
};
const runtime = new Runtime([{ mapping } as Definition], run, log.warning);

const now = Date.now;

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'stop':
      await runtime.stop();
      return process.exit();
    case 'clock':
      Date.now = () => now() + order.ms;
      return;
    case 'update': {
      runtime.update(mapping.uuid, order.changes);
      const isChanging = () => !/^(En|Dis)abled$/.test(runtime.get(mapping.uuid)?.state ?? '');
      while (isChanging()) await sleep(20);
    }
  }
}

process.on('message', (order: Order) => {
  void obey(order).then(() => process.send?.('done'));
});
// The process of the soak has ended, in order or not.
process.on('disconnect', () => process.exit());
