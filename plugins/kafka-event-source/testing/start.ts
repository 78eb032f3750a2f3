/** The broker of `ground: 'start'`: one for all sources of this process, with which it ends. */
import { mkdtemp } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../broker/ports.ts';
import { supervise } from '../broker/supervise.ts';
import { planBroker, start } from '../cli/broker.ts';

// Jest loads this module anew for each test file, and Node's own modules only once for the process.
const KEY = Symbol.for('lambda-kafka-event-source/testing/broker');
const shared = net as unknown as Record<symbol, Promise<string> | undefined>;

/** The broker's address. Its first start may fetch Kafka, which takes a minute. */
export async function startedBroker(): Promise<string> {
  shared[KEY] ??= startOne();
  try {
    return await shared[KEY];
  } catch (error) {
    shared[KEY] = undefined;
    throw error;
  }
}

async function startOne(): Promise<string> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'kes-kit-broker-'));
  const supervisor = supervise(folder);
  supervisor.remove(folder);
  try {
    const plan = await planBroker(folder, say, 'kit', await freePort());
    const { kafkaBrokers } = await start(plan, supervisor, say);
    supervisor.unref();
    return kafkaBrokers;
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
