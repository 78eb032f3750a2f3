import { expect, test } from '@jest/globals';
import { PLUGIN } from '../support/root.ts';
import { Bench, until } from './bench.ts';
import { createService, runOffline } from './offline-service.ts';

const FAILURES = [
  ...['text', 'object', 'nothing', 'callback', 'cause', 'bigint', 'circle'],
  ...['unreadable', 'wordless'],
];
const SUCCESSES = ['function', 'response', 'symbol'];

test.each([
  ['in a worker thread', {}],
  ['in the process of sls offline', { useInProcess: true }],
])(
  'a handler of Node %s ends as on AWS for each kind of error and answer',
  async (_, offline) => {
    await using bench = new Bench();
    await bench.createTopic();
    const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'end', {
      offline,
      batchSize: 1,
      runtime: 'nodejs22.x', // The last one that takes callbacks.
    });
    await using service = runOffline(directory);
    const { output } = service;
    const ways = [...FAILURES, ...SUCCESSES];
    await bench.produce(ways.map((value) => ({ value })));
    await until('the commit', async () => (await bench.committed()) === ways.length, {
      withinMs: 60_000,
      seen: output,
    });
    const calls = (way: string) => output().split(`called ${way}\n`).length - 1;
    // The output may come later than the commit.
    const printed = () => ways.reduce((sum, way) => sum + calls(way), 0);
    const expected = 2 * FAILURES.length + SUCCESSES.length;
    await until('a line for each call', () => printed() >= expected, { seen: output });
    expect(ways.map((way) => [way, calls(way)])).toEqual([
      ...FAILURES.map((way) => [way, 2]),
      ...SUCCESSES.map((way) => [way, 1]),
    ]);
    for (const why of ['a text', 'by callback', 'outer', 'Unable to stringify response body']) {
      expect(output()).toContain(`Unhandled: ${why}. Trying again`);
    }
    expect(output()).not.toContain('Runtime exited');
    expect(await service.end()).toEqual([0, null]);
  },
  120_000,
);

const VALUES = ['text', 'zero', 'empty', 'null', 'undefined', 'failed'];
const REFUSED =
  'Unhandled: Runtime.CallbackHandlerDeprecated: ERROR: AWS Lambda has removed support for ' +
  'callback-based function handlers starting with Node.js 24.';

test.each([
  ['in a worker thread', {}],
  ['in the process of sls offline', { useInProcess: true }],
])(
  'a handler that is not async, or has a callback, ends as with its release of Node on AWS, %s',
  async (_, offline) => {
    await using bench = new Bench();
    await bench.createTopic();
    const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'sync', {
      offline,
      batchSize: 1,
      functionResponseType: 'ReportBatchItemFailures',
      provisionedPollers: { min: 1 },
      functions: {
        older: { handler: 'handler.sync', runtime: 'nodejs22.x' },
        refused: { handler: 'handler.callback' },
      },
    });
    await using service = runOffline(directory);
    const { output } = service;
    await bench.produce(VALUES.map((value) => ({ value })));
    const calls = (name: string, way: string, done: string) =>
      output().split(`${name} ${way} ${done}\n`).length - 1;
    const all = (name: string, done: string) => VALUES.map((way) => [way, calls(name, way, done)]);
    const options = { withinMs: 60_000, seen: output };
    await until('the last value twice', () => calls('print', 'failed', 'undefined') === 2, options);
    await until('the same of Node 22', () => calls('older', 'failed', 'function') === 2, options);
    await until('the refusal', () => output().includes(REFUSED), options);
    // Whole values fail the batch, where they are the answer.
    expect(all('print', 'undefined')).toEqual([
      ['text', 2],
      ['zero', 2],
      ['empty', 1],
      ['null', 1],
      ['undefined', 1],
      ['failed', 2],
    ]);
    expect(all('older', 'function')).toEqual([
      ...VALUES.slice(0, -1).map((way) => [way, 1]),
      ['failed', 2],
    ]);
    expect(output()).toContain('Make the handler async.');
    expect(output()).toContain('The handler handler.callback declares a callback');
    expect(output()).not.toContain('callback was called');
    expect(output()).not.toContain('[504] - Lambda timeout');
  },
  90_000,
);
