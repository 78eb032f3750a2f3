import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { PLUGIN } from '../support/root.ts';
import { Bench, until } from './bench.ts';
import { collect, createService, sls } from './offline-service.ts';

const FAILURES = ['text', 'object', 'nothing', 'callback', 'cause', 'bigint', 'circle'];
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
    });
    const child = spawn(process.execPath, [sls, 'offline', 'start'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      const output = collect(child);
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
      const end = once(child, 'exit');
      child.kill('SIGINT');
      expect(await end).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await rm(directory, { recursive: true });
    }
  },
  120_000,
);
