import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, startBroker } from '../../broker/broker.ts';
import { freePort } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';

declare global {
  var testBroker: Pick<Broker, 'stop'> | undefined;
}

/**
 * Jest's global setup: starts one broker for all tests, on a free port and in a temporary folder. The
 * environment has its address for the tests. LOCAL_BACKEND=none uses the broker of KAFKA_BROKERS.
 */
export async function setup() {
  // The surrounding project may have started a broker for its own tests.
  if (globalThis.testBroker) return;
  if (process.env.LOCAL_BACKEND === 'none') {
    if (!process.env.KAFKA_BROKERS) throw new Error('LOCAL_BACKEND=none needs KAFKA_BROKERS.');
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'kes-test-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const broker = await startBroker({ directory, port: await freePort(), supervisor, say });
  globalThis.testBroker = broker;
  process.env.KAFKA_BROKERS = broker.kafkaBrokers;
}

// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default setup;
