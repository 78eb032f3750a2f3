/** Drains a topic in a process of its own, so that its memory is the emulator's alone. */
import { createInvoker } from '../lambda/invoke.ts';
import type { Mapping } from '../mapping.ts';
import { Poller } from '../poller/poller.ts';
import { until } from '../test/support/until.ts';

export interface Drain {
  readonly endpoint: string;
  readonly mapping: Mapping;
  readonly records: number;
  /** Resident: all memory of the process. Live: the memory that a garbage collection leaves. */
  readonly measure: 'resident' | 'live';
}

export interface Drained {
  readonly rate: number;
  /** Bytes before the first record, and the most until the last one. */
  readonly before: number;
  readonly most: number;
  /** The largest payload, in bytes. */
  readonly payload: number;
}

const noop = () => undefined;
const log = { error: console.error, warning: console.error, notice: noop, debug: noop };
/** Garbage collections slow the draining down, so live memory has a run of its own and fewer samples. */
const EVERY_MS = { resident: 20, live: 100 } as const;

const memory = {
  resident: () => process.memoryUsage.rss(),
  live: () => {
    // The second collection releases the buffers that the first one has found unused.
    for (let time = 0; time < 2; time += 1) globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

async function drain({ endpoint, mapping, records, measure }: Drain): Promise<Drained> {
  if (!globalThis.gc) throw new Error('bench/drain.ts needs --expose-gc: npm run bench');
  const { functionName, timeoutMs } = mapping;
  const { invoke } = createInvoker({ endpoint, functionName, timeoutMs });
  let payload = 0;
  const counted = (body: Buffer) => {
    payload = Math.max(payload, body.length);
    return invoke(body);
  };
  const poller = new Poller({ mapping, log, invoke: counted });
  globalThis.gc();
  const before = memory[measure]();
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, memory[measure]());
  }, EVERY_MS[measure]);
  const succeeded = () => poller.stats.snapshot().succeeded;
  poller.start();
  await until('the first', () => succeeded() > 0 || undefined);
  const [start, first] = [performance.now(), succeeded()];
  await until('all', () => succeeded() >= records || undefined, 600_000);
  const rate = ((succeeded() - first) / (performance.now() - start)) * 1000;
  clearInterval(sampling);
  await poller.stop();
  return { rate, before, most, payload };
}

process.once('message', async (task: Drain) => {
  process.send?.(await drain(task));
  process.disconnect();
});
