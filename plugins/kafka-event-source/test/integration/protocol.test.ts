import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { Bench, until } from './bench.ts';

test('null key and value are absent, empty ones are empty, header bytes are signed', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([
    { key: null, value: null, timestamp: '1700000000123' },
    { key: '', value: Buffer.alloc(0), headers: { a: Buffer.from([0, 127, 128, 220, 255]) } },
    { key: 'k', value: 'v', headers: { one: 'ë', two: ['x', 'y'] } },
  ]);
  const lambda = await bench.lambda();
  bench.poll(lambda, { batchSize: 3, windowMs: 2_000 });
  await until('the batch', () => lambda.invocations.length === 1);
  const [{ event } = {}] = lambda.invocations;
  const records = event?.records[`${bench.topic}-0`];
  expect(Object.keys(event ?? {}).sort()).toEqual(['bootstrapServers', 'eventSource', 'records']);
  expect(records?.[0]).toEqual({
    topic: bench.topic,
    partition: 0,
    offset: 0,
    timestamp: 1700000000123,
    timestampType: 'CREATE_TIME',
    headers: [],
  });
  expect(records?.[1]).toMatchObject({
    key: '',
    value: '',
    headers: [{ a: [0, 127, -128, -36, -1] }],
  });
  expect(records?.[2]).toMatchObject({
    key: 'aw==',
    value: 'dg==',
    headers: [{ one: [-61, -85] }, { two: [120] }, { two: [121] }],
  });
});

test("records of a topic with LogAppendTime have that type and the broker's time", async () => {
  await using bench = new Bench();
  await bench.createTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
  await bench.produce([{ value: 'x', timestamp: '1000' }]);
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('the record', () => lambda.invocations.length === 1);
  const [record] = lambda.invocations[0]?.records ?? [];
  expect(record?.timestampType).toBe('LOG_APPEND_TIME');
  expect(record?.timestamp).toBeGreaterThan(1_600_000_000_000);
});

test('a server may be an IPv6 address in brackets', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(1);
  const [port = ''] = /\d+$/.exec(process.env.KAFKA_BROKERS ?? '') ?? [];
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(Number(port), 'localhost');
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    inner.pipe(outer).pipe(inner);
  });
  server.listen(0, '::1');
  await once(server, 'listening');
  try {
    const lambda = await bench.lambda();
    const { port: own } = server.address() as AddressInfo;
    const poller = bench.poll(lambda, { bootstrapServers: [`[::1]:${own}`] });
    await until('the record', () => lambda.invocations.length === 1, { seen: () => bench.log });
    await poller.stop();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
