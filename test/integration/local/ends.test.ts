import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { npm, Run, startScript } from './run.ts';

test('SIGINT to the whole group ends a ready system with exit code 0', async () => {
  await using run = await Run.create();
  await run.start().says(/^ready/m);
  const commands = run.processes().map(({ command }) => command);
  for (const part of ['supervisor.ts', 'kafka.Kafka', 'dbPath=']) {
    expect(commands).toContainEqual(expect.stringContaining(part));
  }
  process.kill(-run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
  await run.leavesNothing();
});

test('SIGTERM while it still starts ends everything, with exit code 0', async () => {
  await using run = await Run.create();
  await run.start().says('answers');
  process.kill(run.pid, 'SIGTERM');
  expect(await run.ended()).toBe(0);
  await run.leavesNothing();
});

test('a starter killed with -9 leaves no process, not even functions that ignore signals, or their children', async () => {
  await using run = await Run.create();
  const FUNCTIONS = `
    process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined);
    require('node:child_process').spawn('sleep', ['600'], { argv0: process.argv[1] });
    require('node:http').createServer((_, r) => r.end('{"success":true}')).listen(process.env.HTTP_PORT, 'localhost');
  `;
  await run.start({ FUNCTIONS }).says(/^ready/m);
  expect(run.processes()).toContainEqual(
    expect.objectContaining({ command: expect.stringMatching(/ 600$/) }),
  );
  process.kill(run.pid, 'SIGKILL');
  await run.leavesNothing();
});

test('services whose supervisor is killed with -9 end with an error', async () => {
  await using run = await Run.create();
  await run.start().says(/^ready/m);
  const supervisor = run.processes().find(({ command }) => command.includes('supervisor.ts'));
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  expect(await run.ended()).toBe(1);
  await run.leavesNothing();
});

test('npm killed with -9 takes everything with it', async () => {
  await using run = await Run.create();
  const scripts = { start: startScript };
  writeFileSync(join(run.directory, 'package.json'), JSON.stringify({ scripts }));
  await run.start({}, npm(run.directory)).says(/^ready/m);
  process.kill(run.pid, 'SIGKILL');
  await run.leavesNothing();
});

test('functions that end by themselves end everything, with their reason', async () => {
  await using run = await Run.create();
  const FUNCTIONS = `
    require('node:http').createServer((_, r) => r.end('{"success":true}', () => setTimeout(process.exit, 500, 3)))
      .listen(process.env.HTTP_PORT, 'localhost');
  `;
  await run.start({ FUNCTIONS }).says(/^ready/m);
  expect(await run.ended()).toBe(1);
  expect(run.output).toMatch(/ended by themselves: exit 3/);
  await run.leavesNothing();
});
