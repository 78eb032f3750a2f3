import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startBackend } from '../../../local/backend.ts';
import { freePort } from '../../../local/ports.ts';
import { supervise } from '../../../local/supervise.ts';
import { Bench, counting, failure, success, until, values } from './bench.ts';

test('a broker killed and started again loses no record and skips none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kes-broker-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const backend = await startBackend({
    directory,
    kafkaPort: await freePort(),
    dynamoPort: await freePort(),
    services: ['kafka'],
    supervisor,
    say: () => undefined,
  });
  try {
    await using bench = new Bench([backend.kafkaBrokers]);
    await bench.createTopic();
    const lambda = await bench.lambda((_, index) => (index % 5 === 4 ? failure : success));
    await bench.produceCount(40);
    bench.poll(lambda, { batchSize: 2 });
    await until('some', () => values(lambda).length > 10);
    const kafka = backend.children.get('kafka');
    process.kill((await kafka?.pid) ?? 0, 'SIGKILL');
    await kafka?.ended;
    await until('the message', () => bench.log.some((line) => line.includes('cannot poll')));
    await backend.start('kafka');
    await bench.produceCount(40, { from: 40 });
    await until('the commit', async () => (await bench.committed()) === 80, {
      withinMs: 60_000,
      seen: () => bench.log.slice(-5),
    });
    const received = values(lambda);
    expect([...new Set(received)]).toEqual(counting(0, 80));
  } finally {
    await supervisor.stop();
  }
}, 120_000);
