// No engine is needed: an executable in the place of docker writes down how it is called.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { containerName, kafkaImage } from '../../broker/docker.ts';
import { freePort } from '../../broker/ports.ts';
import { processes } from '../../broker/processes.ts';
import { type Engine, fakeDocker } from '../support/fake-docker.ts';
import { startProgram } from '../support/program.ts';
import { ROOT } from '../support/root.ts';
import { Bench, until, values } from './bench.ts';

const MAIN = join(ROOT, 'cli/main.ts');
const kafka = () => process.env.KAFKA_BROKERS ?? '';
let bench: Bench;
let folder: string;
let port: number;

beforeAll(async () => {
  bench = new Bench();
  await bench.createTopic();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'kes-docker-')));
  port = await freePort();
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the command on a machine with this engine and without Java. */
async function start(engine: Engine = {}, lambda = 'http://127.0.0.1:9', command = 'start') {
  const { PATH, state, calls } = fakeDocker(folder, kafka(), engine);
  const notify = { events: [{ kafka: { topic: bench.topic, consumerGroupId: bench.groupId } }] };
  const config = { apiPort: 0, endpoint: lambda, broker: 'start', functions: { notify } };
  writeFileSync(join(folder, 'kafka-event-source.yml'), JSON.stringify(config));
  const env = { PATH, HOME: folder, TMPDIR: folder, KAFKA_PORT: `${port}` };
  const program = startProgram(process.execPath, [MAIN, command], { cwd: folder, env });
  return { program, state, calls };
}

const leftBehind = () =>
  processes().filter(({ command }) => command.includes(folder) && !command.includes('jest'));
const name = () => containerName(join(folder, '.kafka-event-source'));
const untilReady = ({ output, hasEnded }: ReturnType<typeof startProgram>) =>
  until('the start', () => output().includes('ready.') || hasEnded(), {
    withinMs: 40_000,
    seen: output,
  });

test('the image is pulled once, Kafka runs in a container of the folder, and ends with the command', async () => {
  const lambda = await bench.lambda();
  const { program, calls } = await start({}, lambda.endpoint);
  await using _ = program;
  await untilReady(program);
  await bench.produce([{ value: 'first' }]);
  await until('the record', () => values(lambda).length === 1, { seen: program.output });
  expect(await program.end('SIGTERM')).toEqual([0, null]);
  await until('the end', () => leftBehind().length === 0);
  const output = program.output();
  expect(output).toMatch(/Kafka runs in Docker \(java does not answer/);
  expect(output).toContain(`pulling ${kafkaImage()}, this once\nkafka: 1 of 2 layers`);
  const all = calls();
  expect(all.filter((call) => !call.startsWith('run '))).toEqual([
    'info',
    ...Array.from({ length: 2 }, () => expect.stringMatching(/^container inspect .* kafka-event/)),
    `image inspect ${kafkaImage()}`,
    `pull ${kafkaImage()}`,
    `rm --force ${name()}`,
  ]);
  const run = all.find((call) => call.startsWith('run ')) ?? '';
  for (const part of [
    `--rm --name ${name()} --label lambda-kafka-event-source.starter=`,
    `--publish 127.0.0.1:${port}:9092 --volume ${name()}:/var/lib/kafka/data`,
    `--env KAFKA_ADVERTISED_LISTENERS=HOST://localhost:${port},INSIDE://localhost:19092`,
    '--env KAFKA_AUTO_CREATE_TOPICS_ENABLE=false',
  ]) {
    expect(run).toContain(part);
  }
  expect(run.endsWith(kafkaImage())).toBe(true);
});

test.each<[string, (starter: string) => string]>([
  ['', (starter) => starter],
  [
    ', also if another program has its process id by now',
    (starter) => starter.replace(/^\d+/, `${process.pid}`),
  ],
])(
  'the container of a start that was killed is removed by the next start%s',
  async (_title, later) => {
    const { program, state } = await start();
    await using _ = program;
    await untilReady(program);
    const supervisors = leftBehind().filter(({ command }) => command.includes('supervisor'));
    expect(supervisors).toHaveLength(1);
    for (const { pid } of supervisors) process.kill(pid, 'SIGKILL');
    await program.end('SIGKILL');
    const container = join(state, 'container');
    const { starter, ...others } = JSON.parse(readFileSync(container, 'utf8'));
    writeFileSync(container, JSON.stringify({ ...others, starter: later(starter) }));
    const again = await start();
    await using __ = again.program;
    await untilReady(again.program);
    expect(again.program.output()).toContain('ready.');
    const removals = again.calls().filter((call) => call.startsWith('rm '));
    expect(removals).toHaveLength(1);
    expect(await again.program.end()).toEqual([0, null]);
  },
);

test('the container of a start that still runs is left alone', async () => {
  const { program } = await start();
  await using _ = program;
  await untilReady(program);
  port = await freePort();
  for (const command of ['start', 'broker']) {
    const other = await start({}, undefined, command);
    await using __ = other.program;
    await other.program.ended();
    expect(other.program.output()).toMatch(
      /runs already, in the container kafka-event-\S+ of process/,
    );
    // The command broker has no such option.
    expect(other.program.output()).not.toContain('--broker');
  }
  expect(program.hasEnded()).toBe(false);
  expect(await program.end()).toEqual([0, null]);
});

test.each<[string, Engine, RegExp]>([
  [
    'no engine answers',
    { away: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n' },
    /Java 17 or newer .*java does not answer.* Or Docker: no Docker engine answers \(Cannot connect/,
  ],
  [
    'the container ends at once',
    { ends: { output: 'ERROR Exiting Kafka due to fatal exception\n', code: 1 } },
    /kafka ended while starting \(exit 1\)\. The end of \S+kafka\.log:\nERROR Exiting Kafka/,
  ],
  [
    "the port is taken in Docker's own machine",
    {
      ends: {
        output: 'docker: Bind for 127.0.0.1 failed: port is already allocated.\n',
        code: 125,
      },
    },
    /\(exit 125\)\. .*port is already allocated/s,
  ],
])('%s: the error says so, and nothing is left', async (_, engine, message) => {
  const { program } = await start(engine);
  await using __ = program;
  const [code] = await program.ended();
  expect([code, program.output()]).toEqual([1, expect.stringMatching(message)]);
  await until('the end', () => leftBehind().length === 0);
});

test('a taken port is named with its process before anything is started', async () => {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { program, calls } = await start();
  await using _ = program;
  await program.ended();
  server.close();
  expect(program.output()).toMatch(
    /Port \d+, wanted for Kafka, is held by process \d+.*KAFKA_PORT/s,
  );
  expect(calls().filter((call) => /^(run|pull)/.test(call))).toEqual([]);
});

test('without docker the error names both ways', async () => {
  const options = { cwd: folder, env: { PATH: folder } };
  await using program = startProgram(process.execPath, [MAIN, 'broker'], options);
  await program.ended();
  expect(program.output()).toMatch(
    /The command broker needs Java 17.*java does not answer.*Or Docker: docker is not installed/,
  );
  expect(program.output()).not.toContain('--broker');
});
