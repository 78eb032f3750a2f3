import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { clear } from '../../../local/data.ts';
import { OFFLINE, Run } from './run.ts';

test('a port that is taken is named, with the process that holds it, and nothing is started', async () => {
  await using run = await Run.create();
  const [, dynamo] = run.ports;
  const server = createServer().listen(dynamo, '127.0.0.1');
  await once(server, 'listening');
  run.start();
  expect(await run.ended()).toBe(1);
  server.close();
  expect(run.output).toContain(
    `Port ${dynamo}, wanted for DynamoDB, is held by process ${process.pid} (`,
  );
  expect(run.output).toContain('choose another port with DYNAMODB_PORT');
  expect(run.output).not.toContain('answers');
});

test('functions that fail to start end everything, and say so', async () => {
  await using run = await Run.create();
  run.start({ FUNCTIONS: 'console.error("no such handler"); process.exit(7)' });
  expect(await run.ended(60_000)).toBe(1);
  expect(run.output).toMatch(/no such handler[\s\S]*server ended while starting \(exit 7\)/);
  expect(run.output).not.toContain('started again');
  await run.leavesNothing();
});

test.each([
  ['NOTIFICATION_EMAIL', 'bogus', ['createOrder', 'health', 'notify']],
  ['NOTIFICATION_UNSUBSCRIBE_SECRET', 'short', ['notify', 'unsubscribe']],
])(
  'functions that %s=%s keeps from loading are named, and nothing is ready',
  async (name, value, functions) => {
    await using run = await Run.create();
    run.start({ FUNCTIONS: OFFLINE, [name]: value });
    expect(await run.ended(90_000)).toBe(1);
    for (const key of functions) {
      expect(run.output).toMatch(new RegExp(`^\\s*${key}: .*${name}`, 'm'));
    }
    expect(run.output).not.toMatch(/^ready/m);
    if (!functions.includes('health')) expect(run.output).not.toMatch(/^\s*health: /m);
    await run.leavesNothing();
  },
);

test('a health that answers 200 without saying that it works is not ready', async () => {
  await using run = await Run.create();
  const FUNCTIONS = `
    let asked = 0;
    require('node:http').createServer((_, response) => {
      asked += 1;
      response.end(asked > 3 ? '{"success":true}' : '{"errorMessage":"no"}');
      if (asked === 3) console.log('asked three times');
    }).listen(process.env.HTTP_PORT, 'localhost');
  `;
  await run.start({ FUNCTIONS }).says(/^ready/m);
  expect(run.output).toMatch(/asked three times[\s\S]*^ready/m);
  process.kill(run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
});

test('a service that fails to start is shown by the end of its log', async () => {
  await using run = await Run.create();
  run.start({ JAVA_TOOL_OPTIONS: '-XX:NoSuchOption' });
  expect(await run.ended(60_000)).toBe(1);
  expect(run.output).toMatch(/NoSuchOption/);
  await run.leavesNothing();
});

test('a log that cannot be written is reported without a stack', async () => {
  await using run = await Run.create();
  writeFileSync(join(run.directory, 'logs'), 'a file where the folder of logs belongs');
  run.start();
  expect(await run.ended(60_000)).toBe(1);
  expect(run.output).toMatch(/ended while starting \(.*logs/);
  expect(run.output).not.toMatch(/^\s+at /m);
  await run.leavesNothing();
});

test('while data is in use, a second start and a reset are refused, and name who is there', async () => {
  await using run = await Run.create();
  await run.start().says(/^ready/m);
  const first = run.child;
  run.start();
  expect(await run.ended(30_000)).toBe(1);
  expect(run.output).toMatch(/is in use by \d+ \(/);
  expect(() => clear(run.directory, false)).toThrow(/is in use by \d+ \(/);

  run.child = first;
  process.kill(run.pid, 'SIGTERM');
  await run.leavesNothing();
  expect(clear(run.directory, false)).toEqual(expect.arrayContaining(['data', 'logs']));
  expect(existsSync(join(run.directory, 'data'))).toBe(false);
});
