import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { freePort } from '../../broker/ports.ts';
import { processes } from '../../broker/processes.ts';
import { createLedTopics } from '../../topics.ts';
import { awsError, startAwsLambda } from '../support/aws-lambda.ts';
import { startProgram } from '../support/program.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { Bench, failure, success, until, values } from './bench.ts';

const MAIN = join(ROOT, 'cli/main.ts');
let env: NodeJS.ProcessEnv;
const brokers = () => process.env.KAFKA_BROKERS ?? '';
let bench: Bench;
let folder: string;

beforeAll(() => {
  bench = new Bench();
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-cli-'));
  env = plainEnvironment({ KAFKA_PORT: `${await freePort()}` }) as NodeJS.ProcessEnv;
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a command to its end. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return runWith('', ...args);
}

/** Runs a command with this input. */
async function runWith(input: string, ...args: string[]) {
  const options = { cwd: folder, env, timeout: 60_000 };
  const running = promisify(execFile)(process.execPath, [MAIN, ...args], options);
  running.child.stdin?.end(input);
  return running.then(
    (output) => ({ code: 0, ...output }),
    (error) => error,
  );
}

interface Starting {
  readonly signal?: NodeJS.Signals;
  readonly variables?: NodeJS.ProcessEnv;
  readonly command?: string;
}

/** Runs `start`, or another command, until the test is over. @returns its exit code */
async function started(
  args: readonly string[],
  check: (output: () => string) => Promise<void>,
  { signal = 'SIGINT', variables = {}, command = 'start' }: Starting = {},
): Promise<number | null> {
  const options = { cwd: folder, env: { ...env, ...variables } };
  await using program = startProgram(process.execPath, [MAIN, command, ...args], options);
  const { output, hasEnded } = program;
  const ready = () => output().includes('ready.') || hasEnded();
  await until('the start', ready, { withinMs: 40_000, seen: output });
  await check(output);
  const [code] = await program.end(signal);
  return code;
}

async function settings(batchSize: number): Promise<void> {
  const kafka = { topic: bench.topic, consumerGroupId: bench.groupId, batchSize };
  const functions = { notify: { name: 'shop-notify', events: [{ kafka }] } };
  const text = JSON.stringify({ apiPort: 0, functions });
  await writeFile(join(folder, 'kafka-event-source.yml'), text);
}

test('functions of kafka-event-source.yml get their records, also after a change of it', async () => {
  const lambda = await bench.lambda();
  await settings(7);
  const args = ['--endpoint', lambda.endpoint, '--broker', brokers(), '--watch'];
  await bench.createTopic();
  await bench.produceCount(3);
  const code = await started(args, async (output) => {
    await until('three commits', async () => (await bench.committed()) === 3, { seen: output });
    const { stdout } = await run('status', '--json');
    const { running, mappings } = JSON.parse(stdout);
    expect(running).toBe(true);
    expect(mappings).toMatchObject([
      { function: 'shop-notify', state: 'Enabled', lag: 0, servers: brokers().split(',') },
    ]);
    await settings(1);
    await until('the change', () => output().includes('batch size 1,'), { seen: output });
    await bench.produceCount(2, { from: 3 });
    await until('five commits', async () => (await bench.committed()) === 5, { seen: output });
  });
  expect(code).toBe(0);
  expect(values(lambda)).toEqual(['0', '1', '2', '3', '4']);
  const sizes = lambda.invocations.map(({ records }) => records.length);
  expect(sizes.slice(-2)).toEqual([1, 1]);
  const { stdout, code: later } = await run('status', '--broker', brokers());
  expect([later, stdout]).toEqual([0, expect.stringMatching(/notify \(.*\): Not running/)]);
  const { stdout: event } = await run('generate-event', '--broker', brokers(), '--offset', '4');
  expect(JSON.parse(event).records[`${bench.topic}-0`]).toMatchObject([{ offset: 4 }]);
}, 60_000);

test('a SAM template gets its topic, its function is retried, and is called by another name', async () => {
  const lambda = await bench.lambda();
  const topic = `${bench.topic}-sam`;
  await writeFile(
    join(folder, 'template.yaml'),
    `
Transform: AWS::Serverless-2016-10-31
Resources:
  Notify:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Events:
        Orders:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [kafka.invalid:9096]
            Topics: [${topic}]
            SourceAccessConfigurations:
              - Type: SASL_SCRAM_512_AUTH
                URI: arn:aws:secretsmanager:us-east-1:111111111111:secret:x
`,
  );
  await writeFile(join(folder, 'kafka-event-source.yml'), 'createTopics: true\napiPort: 0\n');
  lambda.handle((_, index) => (index === 0 ? failure : success));
  const args = ['--endpoint', lambda.endpoint, '--broker', brokers(), '--function', 'Notify=here'];
  const code = await started(args, async (output) => {
    expect(output()).toContain(`created ${topic} on ${brokers()}`);
    await bench.produce([{ value: 'a' }], topic);
    await until('two invocations', () => lambda.invocations.length === 2, { seen: output });
  });
  expect(code).toBe(0);
  expect(values(lambda)).toEqual(['a', 'a']);
  expect(lambda.invocations[0]?.path).toBe('/2015-03-31/functions/here/invocations');
}, 60_000);

test('--endpoint aws calls the deployed function with the keys of the user, and warns', async () => {
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'of the user' };
  const throttle = awsError(429, 'TooManyRequestsException', 'Rate Exceeded.');
  await using server = await startAwsLambda(keys, (_, index) => (index === 0 ? throttle : {}));
  await settings(7);
  await bench.createTopic();
  await bench.produceCount(1);
  const check = async (output: () => string) => {
    expect(output()).toContain(
      'change real data: shop-notify in eu-central-1 (access key ****MPLE).',
    );
    await until('the second call', () => server.calls.length === 2, { seen: output });
    expect(output()).toMatch(/attempt 0: status 429: TooManyRequestsException: Rate Exceeded\./);
  };
  const args = ['--endpoint', 'aws', '--broker', brokers(), '--region', 'eu-central-1'];
  const user = {
    AWS_ENDPOINT_URL_LAMBDA: server.url,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  expect(await started(args, check, { variables: user })).toBe(0);
  const path = '/2015-03-31/functions/shop-notify/invocations';
  expect(server.calls).toMatchObject([{ path }, { path, region: 'eu-central-1' }]);
}, 60_000);

test('--broker start starts Kafka with the topics, and ends it', async () => {
  const lambda = await bench.lambda();
  await settings(1);
  const check = async (output: () => string) => {
    const server = `localhost:${env.KAFKA_PORT}`;
    const { logLevel, Kafka } = kafkajs;
    const kafka = new Kafka({ brokers: [server], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: bench.topic, messages: [{ value: 'first' }] });
    await producer.disconnect();
    await until('the record', () => lambda.invocations.length > 0, { seen: output });
    // The address of the broker is known to the other commands.
    const { stdout, stderr } = await run('status', '--json');
    expect([JSON.parse(stdout).mappings, stderr, output()]).toMatchObject([
      [{ servers: [server], state: 'Enabled' }],
      '',
      expect.not.stringContaining('cannot be asked'),
    ]);
  };
  const args = ['--endpoint', lambda.endpoint, '--broker', 'start'];
  expect(await started(args, check, { signal: 'SIGTERM' })).toBe(0);
  expect(values(lambda)).toEqual(['first']);
  expect(processes().filter(({ command }) => command.includes(folder))).toEqual([]);
}, 60_000);

test('produce writes a record, or the lines of the input; a missing topic is an error that names the way', async () => {
  await settings(1);
  const topic = `${bench.topic}-written`;
  const args = ['--broker', brokers(), '--topic', topic];
  const { stdout: none, stderr, code } = await run('produce', '--value', 'early', ...args);
  expect([code, none, stderr]).toEqual([1, '', expect.stringContaining('createTopics: true')]);
  await bench.admin.connect();
  await createLedTopics(bench.admin, [{ topic, numPartitions: 2 }]);
  const { stdout } = await run('produce', '--key', 'k', '--value', 'one', ...args);
  const [, partition] = /^Wrote 1 record to .*: partition (\d) from offset 0$/m.exec(stdout) ?? [];
  const piped = await runWith('two\n\nthree\n', 'produce', '--key', 'k', '--json', ...args);
  expect(JSON.parse(piped.stdout)).toEqual({
    topic,
    servers: brokers(),
    places: [{ partition: Number(partition), offset: 1 }],
  });
  const at = ['--partition', `${partition}`, '--offset', '0', '--count', '3'];
  const { stdout: event } = await run('generate-event', ...at, ...args);
  const [records = []] = Object.values<{ key: string; value: string }[]>(JSON.parse(event).records);
  const text = (base64: string) => Buffer.from(base64, 'base64').toString();
  expect(records.map(({ key, value }) => [text(key), text(value)])).toEqual([
    ['k', 'one'],
    ['k', 'two'],
    ['k', 'three'],
  ]);
}, 60_000);

test('redrive shows a letter of a stranger without control characters, and on one line', async () => {
  await settings(1);
  const topic = `${bench.topic}-strange`;
  await bench.admin.connect();
  await createLedTopics(bench.admin, [{ topic, numPartitions: 1 }]);
  const value = 'no\u001b[2J letter';
  const headers = { 'dead-letter-reason': 'a\u001b[2J\r\n\u009b1A\u202eb' };
  await bench.produce([{ value, headers }], topic);
  const { stdout } = await run('redrive', '--broker', brokers(), '--from', topic);
  expect(stdout).toContain(
    `${topic} 0:0  (a\\u001b[2J\\u000d\\u000a\\u009b1A\\u202eb)  left: unread`,
  );
  expect(stdout).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
}, 60_000);

/** A letter of a record that was on the topic. */
function letterOf(topic: string, key: string) {
  const record = { topic, partition: 0, offset: 0, timestamp: 1, timestampType: 'CREATE_TIME' };
  const own = { ...record, headers: [], key: Buffer.from(key).toString('base64') };
  return {
    key,
    value: JSON.stringify({
      requestContext: { functionArn: 'arn:shop-notify', condition: 'RetriesExhausted' },
      timestamp: '2026-11-23T09:00:00.000Z',
      KafkaBatchInfo: {},
      payload: { records: { [`${topic}-0`]: [own] } },
    }),
    partition: 0,
  };
}

test('redrive of a letter that does not exist says so and fails, and puts the others back', async () => {
  await settings(1);
  const [topic, dead] = [`${bench.topic}-named`, `${bench.topic}-named-dead`];
  await bench.admin.connect();
  await createLedTopics(
    bench.admin,
    [topic, dead].map((one) => ({ topic: one, numPartitions: 1 })),
  );
  await bench.produce([letterOf(topic, 'a'), letterOf(topic, 'b')], dead);
  const redrive = (letter: string, ...more: string[]) =>
    run('redrive', '--broker', brokers(), '--from', dead, '--letter', letter, ...more);
  for (const more of [[], ['--dry-run']]) {
    expect(await redrive('99:0,0:2', ...more)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/(?:Put back|Dry run:) 0 of .*\d(?: would be put back)?\.\n$/),
      stderr: `Error: There is no letter 99:0, 0:2 on ${dead}. Without options the command shows the letters.\n`,
    });
  }
  const mixed = await redrive('0:1,0:7', '--json');
  expect(mixed).toMatchObject({ code: 1, stderr: expect.stringContaining('no letter 0:7 on') });
  expect(JSON.parse(mixed.stdout).topics).toMatchObject([
    {
      letters: [{ offset: 1, outcome: 'redriven' }],
      counts: { redriven: 1, 'not chosen': 0 },
      missing: ['0:7'],
    },
  ]);
  expect(await redrive('0:0')).toMatchObject({ code: 0 });
  // Both are behind the group's memory now, and are still known.
  expect(await redrive('00:01')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/0:1 .*put back before: add --again to put it back once more/),
  });
}, 60_000);

test('a file that cannot be written or read is named, with what to do', async () => {
  await settings(1);
  const args = ['--broker', brokers()];
  const failed = (stderr: string | RegExp) => ({ code: 1, stderr: expect.stringMatching(stderr) });
  expect(await run('generate-event', ...args, '-o', 'none/event.json')).toMatchObject(
    failed(
      /^Error: none\/event\.json cannot be written: there is no folder \S+none\. Make it, or name another file by --output\.\n$/,
    ),
  );
  expect(await run('generate-event', ...args, '-o', '.')).toMatchObject(
    failed(/^Error: \. cannot be written: it is a folder\. Name a file in it by --output\.\n$/),
  );
  for (const command of ['import', 'replay']) {
    expect(await run('record', command, ...args, '--file', '.')).toMatchObject(
      failed(/^Error: \S+ is a folder\. Name the file of an export\.\n$/),
    );
  }
}, 60_000);

test('generate-event takes --partition and --count only with an offset', async () => {
  await settings(1);
  for (const option of ['--partition', '--count']) {
    expect(await run('generate-event', '--broker', brokers(), option, '7')).toMatchObject({
      code: 1,
      stderr: `Error: ${option} chooses among real records: add --offset, or leave it out.\n`,
    });
  }
}, 60_000);

test('broker starts a Kafka alone, and ends it', async () => {
  const check = async () => {
    const kafka = new kafkajs.Kafka({ brokers: [`localhost:${env.KAFKA_PORT}`] });
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual([]);
    await admin.disconnect();
  };
  expect(await started([], check, { command: 'broker' })).toBe(0);
  expect(processes().filter(({ command }) => command.includes(folder))).toEqual([]);
}, 60_000);

test.each<[string, string[], string]>([
  ['a topic is missing', [], 'AWS refuses it'],
  ['the endpoint is missing', ['--config', 'good.yml'], 'http://127.0.0.1:3001 (sam local'],
  ['there is no template', ['--config', 'empty.yml'], 'Looked for template.yaml'],
  [
    'a setting is wrong',
    ['-c', 'wrong.yml'],
    'parameters in kafka-event-source.yml: must be an object',
  ],
  ['the broker is no address', ['--broker', 'kafka'], '--broker "kafka" must be start'],
])('%s: the error says so, without a stack trace', async (_, args, message) => {
  const events = [{ kafka: {} }];
  const good = [{ kafka: { topic: bench.topic } }];
  const text = (own: object) => JSON.stringify({ functions: { notify: { events: own } } });
  await writeFile(join(folder, 'kafka-event-source.yml'), text(events));
  await writeFile(join(folder, 'good.yml'), text(good));
  await writeFile(join(folder, 'empty.yml'), '');
  await writeFile(
    join(folder, 'wrong.yml'),
    JSON.stringify({ parameters: 'Topic', functions: {} }),
  );
  const { code, stderr } = await run('start', ...args);
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(stderr).not.toMatch(/^ +at /m);
});
