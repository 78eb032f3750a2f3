import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import type { OrderBench } from '../../test/support/orders.ts';
import { ROOT } from '../../test/support/root.ts';
import { plainEnvironment } from '../../test/support/sls.ts';
import { environmentOf } from '../../test/support/system.ts';

/** The time between two measurements of rate and memory. */
const SAMPLE_MS = 5_000;
/** After this time nothing more comes: every lease and every pause of the emulator has ended. */
const STALLED_MS = 90_000;

export type Sample = { seconds: number; told: number; megabytes: number };

/** Runs `sls offline` until it has printed as many emails as there are events. */
export async function drain(bench: OrderBench, events: number) {
  const [httpPort, lambdaPort] = await freePorts(2);
  const args = ['offline', 'start', '--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`];
  const child = spawn(join(ROOT, 'node_modules/.bin/sls'), args, {
    cwd: ROOT,
    env: plainEnvironment({ ...environmentOf(bench), POWERTOOLS_LOG_LEVEL: 'SILENT' }),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const told = new Map<string, number>();
  const samples: Sample[] = [];
  const all = Promise.withResolvers<void>();
  let [count, start, last] = [0, 0, 0];
  child.on('close', () => all.reject(new Error('sls offline has ended')));
  createInterface(child.stdout).on('line', (line) => {
    const orderId = /^--- email for order (\S+)$/.exec(line)?.[1];
    if (!orderId) return;
    start ||= performance.now();
    last = performance.now();
    told.set(orderId, (told.get(orderId) ?? 0) + 1);
    count += 1;
    if (count >= events) all.resolve();
  });
  const timer = setInterval(async () => {
    const megabytes = await residentMegabytes(child.pid ?? 0);
    samples.push({ seconds: (performance.now() - start) / 1000, told: count, megabytes });
    process.stderr.write(`${count} of ${events} told, ${megabytes} MB\n`);
    // A missing message is a violation, and is named.
    if (last > 0 && performance.now() - last > STALLED_MS) all.resolve();
  }, SAMPLE_MS);
  try {
    await all.promise;
    return { told, samples, seconds: (last - start) / 1000 };
  } finally {
    clearInterval(timer);
    child.removeAllListeners('close');
    const ended = new Promise((resolve) => child.on('close', resolve));
    // A message that is sent twice arrives by now, or during the stop.
    if (child.pid) process.kill(-child.pid, 'SIGINT');
    await ended;
  }
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
