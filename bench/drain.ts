/** Drains a topic in a process of its own, so that its memory is the emulator's and nobody else's. */
import { createInvoker } from '../plugins/kafka-event-source/invoke.ts';
import type { Mapping } from '../plugins/kafka-event-source/mapping.ts';
import { Poller } from '../plugins/kafka-event-source/poller/poller.ts';
import { until } from '../test/support/until.ts';

export interface Drain {
  readonly endpoint: string;
  readonly mapping: Mapping;
  readonly records: number;
}

export interface Drained {
  readonly rate: number;
  /** Bytes resident: before the first record, and the most until the last one. */
  readonly before: number;
  readonly most: number;
}

const noop = () => undefined;
const log = { error: console.error, warning: console.error, notice: noop, debug: noop };

async function drain({ endpoint, mapping, records }: Drain): Promise<Drained> {
  const { functionName, timeoutMs } = mapping;
  const { invoke } = createInvoker({ endpoint, functionName, timeoutMs });
  const poller = new Poller({ mapping, log, invoke });
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  const succeeded = () => poller.stats.snapshot().succeeded;
  poller.start();
  await until('the first', () => succeeded() > 0 || undefined);
  const [start, first] = [performance.now(), succeeded()];
  await until('all', () => succeeded() >= records || undefined, 600_000);
  const rate = ((succeeded() - first) / (performance.now() - start)) * 1000;
  clearInterval(sampling);
  await poller.stop();
  return { rate, before, most };
}

process.once('message', async (task: Drain) => {
  process.send?.(await drain(task));
  process.disconnect();
});
