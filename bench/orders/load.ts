import { readFile } from 'node:fs/promises';
import { type Accepted, readOrders, violations } from '../../test/crash/checker.ts';
import type { OrderBench } from '../../test/support/orders.ts';
import { startOffline } from '../../test/support/sls.ts';
import { environmentOf } from '../../test/support/system.ts';
import { readTopic } from '../../test/support/topic.ts';
import { until } from '../../test/support/until.ts';
import { median, quantile, table } from '../figures.ts';

const KINDS = ['create', 'read', 'list', 'update'] as const;
type Kind = (typeof KINDS)[number];

/** `status` 0: there was no answer. */
type Outcome = { kind: Kind; status: number; milliseconds: number };

type Run = { url: string; end: number; outcomes: Outcome[]; accepted: Accepted[] };

/** Longer than the functions' own time limit. */
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * Many clients at once through serverless-offline: each places an order, reads it, lists it and moves
 * it on, until the time is over. Then table and topic are read back and checked.
 */
export async function load(bench: OrderBench, clients: number, seconds: number): Promise<void> {
  const offline = await startOffline({ ...environmentOf(bench), POWERTOOLS_LOG_LEVEL: 'ERROR' });
  const topic = await readTopic(bench.brokers, bench.topic);
  const run: Run = {
    url: offline.url,
    end: Date.now() + seconds * 1_000,
    outcomes: [],
    accepted: [],
  };
  const memory: number[] = [];
  const sample = setInterval(async () => {
    if (offline.pid) memory.push(await residentMegabytes(offline.pid).catch(() => Number.NaN));
  }, 1_000);
  try {
    await Promise.all(Array.from({ length: clients }, (_, i) => client(`c-${i}`, run)));
    clearInterval(sample);
    const isMarked = async () => (await bench.repository.backlog.summary()).oldest === undefined;
    await until('nothing to be pending', async () => (await isMarked()) || undefined, 180_000);
    const stored = await readOrders(bench);
    const events = stored.reduce((sum, order) => sum + order.events.length, 0);
    const told = () => new Set(topic.records.map(({ value }) => JSON.parse(value).id)).size;
    await until('all events', () => told() >= events || undefined, 60_000);

    console.log(`\n${clients} clients for ${seconds} s through serverless-offline`);
    console.log(report(run.outcomes));
    const found = violations(stored, topic.records, run.accepted);
    const created = run.accepted.filter(({ version }) => version === 1).length;
    console.log(
      `${created} orders answered, ${stored.length} stored; ${events} events; violations: ${found.length}`,
    );
    reportMemory(memory);
    const failed = run.outcomes.filter(({ status }) => status === 0 || status >= 500).length;
    if (found.length > 0 || stored.length !== created || failed > 0) {
      console.error(['Not as it must be:', ...found.slice(0, 10)].join('\n'));
      process.exitCode = 1;
    }
  } finally {
    clearInterval(sample);
    await topic.close();
    await offline.stop();
  }
}

/** Every order has a customer of its own, so that an order stored twice is found. */
async function client(name: string, run: Run): Promise<void> {
  for (let count = 0; Date.now() < run.end; count += 1) {
    const customerId = `${name}-${count}`;
    const items = [{ productId: 'p', quantity: 1, price: 5 }];
    const created = await request(run, 'create', '/api/orders', 'POST', { customerId, items });
    const id: string | undefined = created?.data?.id;
    if (!id) continue;
    run.accepted.push({ id, version: 1, status: 'pending' });
    await request(run, 'read', `/api/orders/${id}`);
    await request(run, 'list', `/api/orders/customer/${customerId}?limit=5`);
    const status = 'confirmed';
    const moved = await request(run, 'update', `/api/orders/${id}/status`, 'PUT', { status });
    if (moved?.success) run.accepted.push({ id, version: 2, status });
  }
}

type Body = { success?: boolean; data?: { id?: string } };

async function request(run: Run, kind: Kind, path: string, method = 'GET', body?: object) {
  const start = performance.now();
  const done = (status: number) =>
    run.outcomes.push({ kind, status, milliseconds: performance.now() - start });
  try {
    const answer = await fetch(run.url + path, {
      method,
      ...(body && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const json = (await answer.json()) as Body;
    done(answer.status);
    return json;
  } catch (error) {
    console.error(`${kind}: ${error}`);
    done(0);
    return undefined;
  }
}

function report(outcomes: Outcome[]): string {
  const rows = KINDS.map((kind) => {
    const own = outcomes.filter((outcome) => outcome.kind === kind);
    const times = own.map(({ milliseconds }) => milliseconds);
    const statuses = Object.entries(Object.groupBy(own, ({ status }) => status));
    const counts = statuses.map(([status, all]) => `${status} × ${all?.length}`).join(', ');
    return [kind, own.length, median(times).toFixed(1), quantile(times, 0.99).toFixed(1), counts];
  });
  return table(['request', 'count', 'p50 ms', 'p99 ms', 'statuses'], rows);
}

/** With 16 instances and more, each a thread with a heap that V8 collects at its own times. */
function reportMemory(samples: number[]): void {
  const at = (share: number) => samples[Math.floor((samples.length - 1) * share)];
  console.log(
    `resident MB of serverless-offline with its instances at 25, 50, 75 and 100 % of the time: ` +
      [0.25, 0.5, 0.75, 1].map(at).join(', '),
  );
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
