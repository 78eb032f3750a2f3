import { once } from 'node:events';
import net from 'node:net';
import { expect, jest, test } from '@jest/globals';
import type { Handler, KitOptions } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

/** A source of which the handler has had one record. */
async function used(handler: Handler, leaks: KitOptions['leaks']) {
  const source = await kafkaEventSource({
    functions: { notify: handler },
    mappings: { notify: { topic: 'orders' } },
    leaks,
  });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  return source;
}

test('a timer that a handler leaves is named, with its function and its place', async () => {
  let timer: NodeJS.Timeout | undefined;
  const handler = async () => {
    await Promise.resolve();
    timer = setInterval(() => undefined, 60_000);
  };
  const source = await used(handler, 'error');
  await expect(source.stop()).rejects.toThrow(
    /^notify left a timer open \(Timeout\), made at .*leaks\.test\.ts.*It keeps the process alive/,
  );
  clearInterval(timer);
  await source.stop();
});

test('resources of one kind that are made at one place are named once', async () => {
  const timers: NodeJS.Timeout[] = [];
  const handler = async () => {
    for (const ms of [60_000, 60_001]) timers.push(setInterval(() => undefined, ms));
  };
  const source = await used(handler, 'error');
  const { message } = (await source.stop().catch((error: Error) => error)) as Error;
  expect(message.match(/left a timer open/g)).toHaveLength(1);
  for (const timer of timers) clearInterval(timer);
});

test('a server is named, too, as a warning by default', async () => {
  const server = net.createServer();
  const handler = async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  };
  const source = await used(handler, undefined);
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  await source.stop();
  const calls: unknown = warn.mock.calls;
  warn.mockRestore();
  server.close();
  expect(calls).toEqual([
    [expect.stringContaining('notify left a server open (TCPSERVERWRAP)'), 'KafkaEventSourceLeak'],
  ]);
});

test('a handle that is over, is closed, holds up nothing or is the test’s own is no leak', async () => {
  const own = setTimeout(() => undefined, 60_000);
  const handler = async () => {
    clearTimeout(setTimeout(() => undefined, 60_000));
    setTimeout(() => undefined, 60_000).unref();
    await new Promise((resolve) => setTimeout(resolve, 1));
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  };
  const source = await used(handler, 'error');
  await source.stop();
  clearTimeout(own);
});

test('a handle of an instance that has ended is no leak: on Lambda its process is gone', async () => {
  let timer: NodeJS.Timeout | undefined;
  const handler = async () => {
    timer = setTimeout(() => undefined, 60_000);
    process.exit(1);
  };
  const source = await used(handler, 'error');
  await source.stop();
  clearTimeout(timer);
});

test('ignore says nothing', async () => {
  let timer: NodeJS.Timeout | undefined;
  const handler = async () => {
    timer = setTimeout(() => undefined, 60_000);
  };
  const source = await used(handler, 'ignore');
  await source.stop();
  clearTimeout(timer);
});
