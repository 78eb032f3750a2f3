import { expect, test } from '@jest/globals';
import { PLUGIN } from '../support/root.ts';
import { Bench, until } from './bench.ts';
import { createService, runOffline } from './offline-service.ts';

test('a handler that ends its process, or throws outside its call, fails the call; sls offline goes on', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'crash');
  await using service = runOffline(directory);
  const { output } = service;
  const options = { withinMs: 40_000, seen: output };
  const count = (line: string) => output().split(`${line}\n`).length - 1;
  await bench.produce([{ value: 'exit' }]);
  await until('process.exit, and the next attempt', () => count('received exit') === 2, options);
  expect(output()).toContain('Runtime exited with error: exit status 3');
  await bench.produce([{ value: 'kill' }]);
  await until('a signal, and the next attempt', () => count('received kill') === 2, options);
  expect(output()).toContain('Runtime exited with error: exit status 143');
  await bench.produce([{ value: 'throw' }]);
  await until('an uncaught error', () => count('received throw') === 2, options);
  expect(output()).toContain('Error: out of reach');
  // The handler throws after its answer: the next call gets a new instance.
  await bench.produce([{ value: 'later' }]);
  await until('a late error', () => output().split('print: Runtime exited').length === 5, options);
  await bench.produce([{ value: 'after' }]);
  await until('the next record', () => count('received after') === 1, options);
  await until('the commit', async () => (await bench.committed()) === 5, options);
  expect(output()).not.toContain('[504] - Lambda timeout');
  expect(await service.end()).toEqual([0, null]);
}, 120_000);

test('with useInProcess a handler that ends its process ends sls offline', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const offline = { useInProcess: true };
  const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'crash', {
    offline,
  });
  await using service = runOffline(directory);
  const ended = service.ended();
  await bench.produce([{ value: 'exit' }]);
  expect(await ended).toEqual([3, null]);
  expect(service.output()).toContain('received exit');
  expect(await bench.committed()).toBe(-1);
});
