import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../broker/ports.ts';
import { Reader } from '../../recorder/reader.ts';
import { openForReading } from '../../recorder/schema.ts';
import { STORE_FOLDER } from '../../recorder/types.ts';
import { createLedTopics } from '../../topics.ts';
import { toProtobuf } from '../../traces/messages.ts';
import { install, linkJars } from '../support/install.ts';
import { startProgram } from '../support/program.ts';
import { MODULES } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { pack } from '../support/tarball.ts';
import { readTopic } from '../support/topic.ts';
import { Bench, until, values } from './bench.ts';

const NAME = 'lambda-kafka-event-source';
const run = promisify(execFile);
const env = plainEnvironment() as NodeJS.ProcessEnv;
let folder: string;

/**
 * Packs the plugin as it is published, and installs it in an empty folder as a user does, with its
 * declared dependencies only. The framework is linked, because it takes minutes to install.
 */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-published-'));
  // Without peers, of which the framework is one.
  const home = await install(join(folder, 'home'), ['--legacy-peer-deps', await pack(folder)]);
  for (const name of ['serverless', 'serverless-offline']) {
    await symlink(join(MODULES, name), join(home, 'node_modules', name));
  }
}, 240_000);

afterAll(() => rm(folder, { recursive: true }));

const installed = () => join(folder, 'home/node_modules', NAME);
const sls = () => join(folder, 'home/node_modules/serverless/bin/serverless.js');

/** Runs an example with the published plugin alone, until the test has its output. */
async function example(name: string, bench: Bench, check: (output: () => string) => Promise<void>) {
  const directory = join(folder, 'home', name);
  await cp(join(installed(), 'examples', name), directory, { recursive: true });
  const port = String(await freePort());
  const args = [sls(), 'offline', 'start', '--lambdaPort', port];
  const own = { KAFKA_BROKERS: process.env.KAFKA_BROKERS, TOPIC: bench.topic };
  await using program = startProgram(process.execPath, args, {
    cwd: directory,
    env: plainEnvironment(own) as NodeJS.ProcessEnv,
  });
  await check(program.output);
  await program.end();
  const store = join(directory, STORE_FOLDER);
  const [file = ''] = (await readdir(store)).filter((one) => one.endsWith('.sqlite'));
  const db = openForReading(join(store, file));
  const reader = new Reader(db);
  const { items } = reader.invocations();
  // Told by the worker thread of the package.
  const line = expect.any(String);
  expect(reader.invocation(items.at(-1)?.id ?? '')?.logs).toContainEqual({
    at: expect.any(Number),
    line,
  });
  expect(program.output()).not.toContain('ExperimentalWarning');
  db.close();
}

const wait = { withinMs: 40_000 };

test('the package has the build, the documentation and the examples, and no source or test', async () => {
  const files = await readdir(installed(), { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/main.js',
      'dist/index.js.map',
      'dist/index.d.ts',
      'dist/protobuf.js',
      'dist/python-runtime.py',
      'dist/page.css',
      'dist/page.html',
      'dist/page.js',
      'dist/page.svg',
      'README.md',
      'LICENSE',
      'docs/fidelity.md',
    ]),
  );
  expect(files.filter((file) => /(?<!\.d)\.m?ts$|test\b/.test(file))).toEqual([]);
  const readme = await readFile(join(installed(), 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\(((?:docs|examples)[^)#]*)/g)].map(([, link]) => link);
  expect(files).toEqual(expect.arrayContaining(links));
});

test.each([
  ['import', 'const { kafkaEventSource } = await import(NAME);'],
  ['require', 'const { kafkaEventSource } = require(NAME);'],
])('the test kit of the package runs a mapping after %s', async (_, load) => {
  const script = `(async () => {
    const NAME = '${NAME}/testing';
    ${load}
    const source = await kafkaEventSource({
      functions: { notify: async () => 'taken' },
      mappings: { notify: { topic: 'orders' } },
    });
    await source.produce('orders', { value: { id: 1 } });
    await source.drain();
    console.log(source.invocations('notify')[0].answer);
    await source.stop();
  })()`;
  const { stdout } = await run(process.execPath, ['-e', script], {
    cwd: join(folder, 'home'),
    env,
  });
  expect(stdout).toBe('taken\n');
});

test('the command of the package starts Kafka, and gives a function its first record', async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  const directory = join(folder, 'home/command');
  await mkdir(directory);
  const kafka = { topic: bench.topic };
  const settings = { apiPort: 0, functions: { notify: { events: [{ kafka }] } } };
  await writeFile(join(directory, 'kafka-event-source.yml'), JSON.stringify(settings));
  await linkJars(join(folder, 'home'));
  const bin = join(folder, 'home/node_modules/.bin', NAME);
  const { stdout: help } = await run(bin, ['start', '--help'], { env });
  expect(help).toContain('--broker <host:port|start>');
  const args = ['start', '--endpoint', lambda.endpoint, '--broker', 'start'];
  await using program = startProgram(bin, args, {
    cwd: directory,
    env: plainEnvironment({ KAFKA_PORT: String(await freePort()) }) as NodeJS.ProcessEnv,
  });
  const { output } = program;
  await until('the start', () => output().includes('ready.'), { ...wait, seen: output });
  const [, server = ''] = /Kafka on (\S+) answers/.exec(output()) ?? [];
  {
    await using started = new Bench([server]);
    await started.produce([{ value: 'first' }], bench.topic);
  }
  await until('the record', () => lambda.invocations.length > 0, { ...wait, seen: output });
  // The decoder is in the package, and protobufjs is not installed.
  const [, page = ''] = /page (http:\/\/\S+)\/\?token/.exec(output()) ?? [];
  const bytes = await toProtobuf('ExportTraceServiceRequest', { resourceSpans: [{}] });
  const headers = { 'content-type': 'application/x-protobuf' };
  const traces = await fetch(`${page}/v1/traces`, { method: 'POST', headers, body: bytes });
  expect([traces.status, await traces.text()]).toEqual([200, '']);
  expect(await readdir(join(folder, 'home/node_modules'))).not.toContain('protobufjs');
  const [code] = await program.end();
  expect([code, values(lambda)]).toEqual([0, ['first']]);
}, 90_000);

test('the example for Serverless greets each record', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([{ value: 'world' }]);
  await example('serverless', bench, (output) =>
    until('the greeting', () => output().includes('Hello, world!'), { ...wait, seen: output }),
  );
}, 90_000);

test.each([
  ['serverless', 'greet', 'Hello, '],
  ['failures', 'pay', 'batchItemFailures'],
])(
  'the example %s runs by sls invoke local with a generated event, as generate-event advises',
  async (name, fn, expected) => {
    const directory = join(folder, 'home', `invoked-${name}`);
    await cp(join(installed(), 'examples', name), directory, { recursive: true });
    const keys = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
    const options = { cwd: directory, env: { ...env, ...keys }, timeout: 60_000 };
    const generate = ['kafka', 'generate-event', '--kind', 'self-managed', '-o', 'event.json'];
    const { stdout: advice } = await run(process.execPath, [sls(), ...generate], options);
    expect(advice).toContain(`sls invoke local -f ${fn} -p event.json`);
    const invoke = ['invoke', 'local', '-f', fn, '-p', 'event.json'];
    const { stdout } = await run(process.execPath, [sls(), ...invoke], options);
    expect(stdout).toContain(expected);
  },
  120_000,
);

test('the example with failures pays the good record, and sends the bad one to the destination', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const failed = `${bench.topic}-failed`;
  await createLedTopics(bench.admin, [{ topic: failed }]);
  await bench.produce([
    { key: 'a', value: 'ten' },
    { key: 'b', value: '20' },
  ]);
  await example('failures', bench, async (output) => {
    await until('the payment', () => output().includes('paid 20'), { ...wait, seen: output });
    const letters = await readTopic(process.env.KAFKA_BROKERS?.split(',') ?? [], failed);
    const [letter] = await letters.atLeast(1, 40_000);
    await letters.close();
    expect(letter).toMatchObject({ key: 'a' });
    expect(JSON.parse(letter?.value ?? '')).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
    });
  });
  const redriven = await run(process.execPath, [sls(), 'kafka', 'redrive'], {
    cwd: join(folder, 'home/failures'),
    env: { ...env, KAFKA_BROKERS: process.env.KAFKA_BROKERS, TOPIC: bench.topic },
  });
  expect(redriven.stdout).toContain('Dry run: 1 of');
}, 120_000);
