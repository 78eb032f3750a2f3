import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PLUGIN } from '../support/root.ts';
import { Bench, until } from './bench.ts';
import { createService, runOffline } from './offline-service.ts';

const offline = 'serverless-offline';

/** A plugin of the service that prints the HTTP requests to functions. */
const REQUESTS = './requests.cjs';
const PRINT_REQUESTS = `
const { subscribe } = require('node:diagnostics_channel');
module.exports = class {
  constructor() {
    subscribe('http.server.request.start', ({ request }) => {
      if (request.url.endsWith('/invocations')) console.log('invoked over HTTP');
    });
  }
};`;

test.each([
  ['before', [PLUGIN, offline]],
  ['after', [offline, PLUGIN]],
])('sls offline start, with the plugin listed %s serverless-offline', async (_, plugins) => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(2);
  const directory = await createService(bench, [...plugins, REQUESTS]);
  await writeFile(join(directory, REQUESTS), PRINT_REQUESTS);
  await using service = runOffline(directory);
  const { output } = service;
  const options = { withinMs: 40_000, seen: output };
  const count = (line: string) => output().split(`${line}\n`).length - 1;
  await until('the records', () => count('received 0,1') === 1, options);
  await bench.produce([{ value: 'boom' }]);
  await until('a second attempt', () => count('received boom') === 2, options);
  await until('the commit', async () => (await bench.committed()) === 3, options);
  // The first call shows the plugin serverless-offline's functions; the others need no HTTP.
  expect(count('invoked over HTTP')).toBe(1);
  expect(await service.end()).toEqual([0, null]);
});
