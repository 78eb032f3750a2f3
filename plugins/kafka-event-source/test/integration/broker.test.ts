import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startBroker } from '../../broker/broker.ts';
import { freePort, freePorts } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import { planBroker } from '../../cli/broker.ts';
import { Bench, counting, failure, success, until, values } from './bench.ts';

async function startKafka() {
  const directory = await mkdtemp(join(tmpdir(), 'kes-broker-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const broker = await startBroker({
    directory,
    port: await freePort(),
    supervisor,
    say: () => undefined,
  });
  const signal = async (name: NodeJS.Signals) => {
    process.kill((await broker.children.get('kafka')?.pid) ?? 0, name);
  };
  return { broker, supervisor, signal };
}

test('a broker killed and started again loses no record and skips none', async () => {
  const { broker, supervisor, signal } = await startKafka();
  try {
    await using bench = new Bench([broker.kafkaBrokers]);
    await bench.createTopic();
    const lambda = await bench.lambda((_, index) => (index % 5 === 4 ? failure : success));
    await bench.produceCount(40);
    bench.poll(lambda, { batchSize: 2 });
    await until('some', () => values(lambda).length > 10);
    const kafka = broker.children.get('kafka');
    await signal('SIGKILL');
    await kafka?.ended;
    const advice = /cannot poll .* If no Kafka runs there, start it, or set custom\.kafka/;
    await until('the message', () => bench.log.some((line) => advice.test(line)));
    await broker.start('kafka');
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

test('a broker that hangs is reported while it does, and polled when it answers again', async () => {
  const { broker, supervisor, signal } = await startKafka();
  try {
    await using bench = new Bench([broker.kafkaBrokers]);
    await bench.createTopic();
    const lambda = await bench.lambda();
    await bench.produceCount(5);
    const poller = bench.poll(lambda);
    await until('the commit', async () => (await bench.committed()) === 5);
    await signal('SIGSTOP');
    const reported = () => bench.log.filter((line) => line.includes('does not answer'));
    await until('the message', () => reported().length > 0);
    expect(reported()[0]).toMatch(/^warning: test: cannot poll .*: localhost:\d+ does not answer /);
    expect(poller.condition.problem).toContain('does not answer');
    expect(poller.stats.snapshot().lastResult).toMatch(/^PROBLEM: Connection error/);
    await signal('SIGCONT');
    await bench.produceCount(5, { from: 5 });
    await until('the rest', async () => (await bench.committed()) === 10, { withinMs: 30_000 });
    await until('no problem', () => poller.condition.problem === undefined);
    expect(poller.stats.snapshot().lastResult).toBe('OK');
    expect([...new Set(values(lambda))]).toEqual(counting(0, 10));
  } finally {
    await supervisor.stop();
  }
}, 120_000);

test('free ports differ, and are none of those that the system gives to whoever asks for any', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const free = await freePorts(20);
  expect(new Set(free).size).toBe(20);
  expect(Math.max(...free)).toBeLessThan(Math.min(port, 32_768));
});

test.each([
  ['start', (port: number) => `use --broker localhost:${port}.`],
  ['broker', () => 'use that one, and end this command.'],
] as const)('a taken port gives advice that the command %s can follow', async (command, advice) => {
  const folder = await mkdtemp(join(tmpdir(), 'kes-plan-'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  const said: string[] = [];
  const { port } = await planBroker(folder, (line) => said.push(line), command, taken);
  server.close();
  await rm(folder, { recursive: true });
  expect(said.at(-1)).toBe(
    `Port ${taken} is taken, so Kafka is started on ${port}. If Kafka runs on ${taken} already, ` +
      advice(taken),
  );
});
