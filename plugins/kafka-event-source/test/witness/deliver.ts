/** Starts templates as their users do, and lets each mapping deliver records. */
import { deepStrictEqual } from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import { freePorts } from '../../broker/ports.ts';
import type { EventRecord } from '../../event.ts';
import type { Json } from '../../json.ts';
import { type Invocation, type Lambda, startLambda } from '../integration/bench.ts';
import { startProgram } from '../support/program.ts';
import { PLUGIN, ROOT } from '../support/root.ts';
import { startSchemaRegistry } from '../support/schema-registry.ts';
import { plainEnvironment } from '../support/sls.ts';
import { until } from '../support/until.ts';
import { elsewhere, JOINED, writeService } from './service.ts';
import { ofFramework, type Runs, runsOf, SHAPES, type Shape, TEMPLATES } from './shapes.ts';

export interface Delivered {
  readonly mappings: number;
  readonly records: number;
}

/** A record of the test, with the place that Kafka gave it. */
interface Produced {
  readonly topic: string;
  readonly value: string;
  readonly offset: number;
  readonly timestamp: number;
}

/** A process that polls. */
interface Started {
  printed(): string;
  /** Ends it as Ctrl-C does. @throws Error if it does not end well */
  stop(): Promise<void>;
  /** Ends it at once, if it still runs. */
  kill(): Promise<void>;
}

const SLS = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
const LIMIT_MS = 60_000;
const KEY = 'a key';
const HEADERS = { trace: 'é' };

/**
 * Starts the templates, several of the framework as one service, and produces the values of each to the
 * topics of its mappings. The functions must get them in AWS's event, and the groups must commit them.
 *
 * @throws Error that says what did not come, with the output of the process
 */
export async function deliver(files: readonly string[], brokers: string): Promise<Delivered> {
  const folder = await mkdtemp(join(tmpdir(), 'witness-'));
  const lambda = await startLambda();
  const registry = await startSchemaRegistry();
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  let started: Started | undefined;
  const printed = () => started?.printed() ?? '';
  try {
    const place = { folder: join(folder, 'service'), brokers, lambda, registry: registry.url };
    started = await start(files, place);
    const shapes = files.map((file) => shapeOf(file, files.length > 1));
    for (const { schema } of shapes)
      if (schema) registry.add('any', schema, { schemaType: 'JSON' });
    await polling(shapes.flatMap(runsOf), printed);
    const counts = await Promise.all(
      shapes.map((shape) => check(shape, { brokers, lambda, admin, producer, printed })),
    );
    await started.stop();
    const runs = shapes.flatMap(runsOf);
    return { mappings: runs.length, records: counts.reduce((sum, one) => sum + one, 0) };
  } catch (error) {
    throw new Error(`${files.join(', ')}: ${error}\n${printed()}`, { cause: error });
  } finally {
    await started?.kill();
    await Promise.all([admin.disconnect(), producer.disconnect(), lambda.close()]);
    await registry[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The shape of a template; in a service of several its functions have the name of that service. */
function shapeOf(file: string, isJoined: boolean): Shape {
  const shape = SHAPES[file] ?? { read: [] };
  if (!isJoined) return shape;
  const named = ([name, ...others]: Runs): Runs => [
    name.replace(/^\w+-dev-/, `${JOINED}-dev-`),
    ...others,
  ];
  return { ...shape, user: { options: {}, ...shape.user, runs: runsOf(shape).map(named) } };
}

interface Place {
  readonly folder: string;
  readonly brokers: string;
  readonly lambda: Lambda;
  readonly registry: string;
}

async function start(files: readonly string[], place: Place): Promise<Started> {
  const given = files.flatMap((file) => {
    const { user, schema } = SHAPES[file] ?? {};
    return [user?.options, schema && { endpoints: { schemaRegistry: place.registry } }];
  });
  const options = Object.assign({ createTopics: true, apiPort: 0 }, ...given);
  const [file = ''] = files;
  return ofFramework(file)
    ? startService(files, options, place)
    : startCommand(file, options, place);
}

async function startService(
  files: readonly string[],
  options: Json,
  { folder, brokers: bootstrapServers, lambda: { endpoint } }: Place,
): Promise<Started> {
  const others = (await elsewhere(files)).map((key) => [key, { lambdaEndpoint: endpoint }]);
  const kafkaEventSource = { ...options, bootstrapServers, mappings: Object.fromEntries(others) };
  const custom = { kafkaEventSource, 'serverless-offline': { noTimeout: true } };
  await writeService(folder, files, { custom, plugins: [PLUGIN, 'serverless-offline'] }, endpoint);
  const [http, port] = await freePorts(2);
  const args = ['offline', 'start', '--httpPort', `${http}`, '--lambdaPort', `${port}`];
  return startUntil('Function names exposed', [SLS, ...args], folder);
}

async function startCommand(
  file: string,
  options: Json,
  { folder, brokers, lambda: { endpoint } }: Place,
): Promise<Started> {
  await mkdir(folder);
  await cp(join(TEMPLATES, file), join(folder, file));
  await writeFile(join(folder, 'kafka-event-source.yml'), JSON.stringify(options));
  const given = ['--template', file, '--endpoint', endpoint, '--broker', brokers, '--stage', 'dev'];
  return startUntil('ready.', [join(ROOT, 'cli/main.ts'), 'start', ...given], folder);
}

/** Starts a program of Node, and waits for the text. @throws Error with its output if it ends before */
async function startUntil(text: string, args: readonly string[], cwd: string): Promise<Started> {
  const env = plainEnvironment() as NodeJS.ProcessEnv;
  const program = startProgram(process.execPath, args, { cwd, env });
  const { output, hasEnded, end } = program;
  const kill = () => program[Symbol.asyncDispose]();
  try {
    await until(text, () => {
      if (hasEnded()) throw new Error('it ended');
      return output().includes(text) || undefined;
    });
  } catch (error) {
    await kill();
    throw new Error(`${error}\n${output()}`);
  }
  return { printed: output, stop: async () => deepStrictEqual(await end(), [0, null]), kill };
}

/** Waits until the starting positions are known, so that LATEST is before the records of the test. */
async function polling(runs: readonly Runs[], printed: () => string): Promise<void> {
  for (const [, topic] of runs) {
    const wanted = runs.filter((one) => one[1] === topic).length;
    const lines = () => printed().split(`: polling ${topic}, partitions 0, 1, 2`).length - 1;
    await until(`${wanted} pollers of ${topic}`, () => lines() >= wanted || undefined, LIMIT_MS);
  }
}

interface Means {
  readonly brokers: string;
  readonly lambda: Lambda;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly printed: () => string;
}

/** @returns the number of records that the functions got */
async function check(shape: Shape, means: Means): Promise<number> {
  const runs = runsOf(shape);
  const topics = [...new Set(runs.map(([, topic]) => topic))];
  const produced = await Promise.all(topics.map((topic) => produce(topic, shape, means.producer)));
  const counts = runs.map(async (run) => {
    const [name, topic] = run;
    const all = produced.flat().filter((one) => one.topic === topic);
    const { [name]: values } = shape.filtered ?? {};
    const expected = all.filter(({ value }) => values?.includes(value) ?? true);
    const events = await receive(run, expected.length, means);
    await checkCommit(run, all.at(-1)?.offset ?? 0, means);
    checkEvents(run, events(), { expected: expected.map((one) => recordOf(one, shape)), ...means });
    return expected.length;
  });
  return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
}

async function produce(
  topic: string,
  { values = ['{"witness":1}'], schema }: Shape,
  producer: Producer,
): Promise<Produced[]> {
  const produced: Produced[] = [];
  for (const value of values) {
    const timestamp = Date.now();
    const bytes = Buffer.from(schema ? `\0\0\0\0\x01${value}` : value);
    const message = { key: KEY, value: bytes, headers: HEADERS, partition: 0 };
    const messages = [{ ...message, timestamp: String(timestamp) }];
    const [sent] = await producer.send({ topic, messages });
    produced.push({ topic, value, offset: Number(sent?.baseOffset), timestamp });
  }
  return produced;
}

/** Waits for records of a mapping. @returns its invocations so far, at each call */
async function receive(
  [name, topic, , , source]: Runs,
  count: number,
  { lambda }: Means,
): Promise<() => Invocation[]> {
  const path = `/2015-03-31/functions/${name}/invocations`;
  const sourceIn = ({ event }: Invocation) =>
    event.eventSource === 'SelfManagedKafka' ? 'own' : event.eventSourceArn;
  const own = () =>
    lambda.invocations.filter(
      (one) =>
        one.path === path &&
        one.records.every((record) => record.topic === topic) &&
        sourceIn(one).startsWith(source),
    );
  const got = () =>
    new Set(own().flatMap(({ records }) => records.map(({ offset }) => offset))).size;
  await until(
    `${count} records of ${topic} in ${name}`,
    () => got() >= count || undefined,
    LIMIT_MS,
  );
  return own;
}

/** Compares the events with AWS's. https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html */
function checkEvents(
  [name, topic, , , source]: Runs,
  invocations: readonly Invocation[],
  { brokers, expected }: { brokers: string; expected: readonly EventRecord[] },
): void {
  // A record may come again, as on AWS.
  const texts = invocations.flatMap(({ records }) => records.map((one) => JSON.stringify(one)));
  const got = [...new Set(texts)].map((text) => JSON.parse(text));
  deepStrictEqual({ [name]: got }, { [name]: expected });
  for (const { event } of invocations) {
    const { records, ...others } = event;
    const arn = others.eventSource === 'aws:kafka' && { eventSourceArn: others.eventSourceArn };
    const eventSource = source === 'own' ? 'SelfManagedKafka' : 'aws:kafka';
    deepStrictEqual(others, { eventSource, ...arn, bootstrapServers: brokers });
    deepStrictEqual(Object.keys(records), [`${topic}-0`]);
  }
}

function recordOf({ topic, value, offset, timestamp }: Produced, { schema }: Shape): EventRecord {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  // Java's bytes: from -128 to 127.
  const bytes = (text: string) => [...new Int8Array(Buffer.from(text))];
  return {
    topic,
    partition: 0,
    offset,
    timestamp,
    timestampType: 'CREATE_TIME',
    key: base64(KEY),
    value: base64(value),
    headers: Object.entries(HEADERS).map(([key, text]) => ({ [key]: bytes(text) })),
    ...(schema && { valueSchemaMetadata: { dataFormat: 'JSON', schemaId: '1' } }),
  };
}

/** Waits until the group that the start has named commits the last record. */
async function checkCommit([name, topic, group]: Runs, last: number, means: Means): Promise<void> {
  const { admin, printed } = means;
  const lines = printed().matchAll(/Kafka event source: (\S+) \((\S+)\), group (\S+),/g);
  const groups = [...lines].filter(([, , one]) => one === topic).map(([, , , one = '']) => one);
  const wanted = groups.filter((one) =>
    group === '-' ? /^[\da-f]{8}-[\da-f-]{27}$/.test(one) : one === group,
  );
  if (wanted.length === 0) throw new Error(`no group ${group} for ${name} (${topic})`);
  for (const groupId of wanted) {
    await until(
      `the commit of ${groupId} on ${topic}`,
      async () => {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const offset = found?.partitions.find(({ partition }) => partition === 0)?.offset;
        return Number(offset) === last + 1 || undefined;
      },
      LIMIT_MS,
    );
  }
}
