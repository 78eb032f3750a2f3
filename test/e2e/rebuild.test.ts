import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { createLedTopics } from '../../plugins/kafka-event-source/topics.ts';
import { addresses } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { startOffline } from '../support/sls.ts';
import { until } from '../support/until.ts';

type Answer = { instance: string; version: string; slowMs?: number };

const topic = `rebuild-${randomUUID().slice(0, 8)}`;
const kafka = () => new Kafka({ brokers: addresses().brokers, logLevel: logLevel.NOTHING });

let service: string;
let offline: Awaited<ReturnType<typeof startOffline>>;

/** A function that tells which instance and which code it is, and which records it has seen. */
const handler = (version: string) => `
  const instance = crypto.randomUUID();
  export const handler = async (event: any) => {
    if (event.slowMs) await new Promise((resolve) => setTimeout(resolve, event.slowMs));
    for (const record of Object.values(event.records ?? {}).flat() as any[]) {
      console.log('record ' + Buffer.from(record.value, 'base64') + ' by ${version}');
    }
    return { instance, version: '${version}', slowMs: event.slowMs };
  };
`;

const yml = `
service: probe
plugins:
  - serverless-offline
  - lambda-kafka-event-source
  - ./plugins/build/index.ts
provider: { name: aws, runtime: nodejs24.x, stage: local }
custom:
  kafkaEventSource: { bootstrapServers: '${'$'}{env:KAFKA_BROKERS}' }
functions:
  probe:
    handler: dist/probe/handler.handler
    timeout: 20
    events:
      - httpApi: GET /probe
      - kafka:
          topic: ${topic}
          bootstrapServers: [ 'localhost:9092' ]
          accessConfigurations: { saslScram512Auth: [ 'arn:aws:secretsmanager:us-east-1:000000000000:secret:a' ] }
`;

beforeAll(async () => {
  const admin = kafka().admin();
  await admin.connect();
  await createLedTopics(admin, [{ topic, numPartitions: 1 }]);
  await admin.disconnect();
  service = await mkdtemp(join(tmpdir(), 'orders-rebuild-'));
  await symlink(join(ROOT, 'node_modules'), join(service, 'node_modules'));
  await symlink(join(ROOT, 'plugins'), join(service, 'plugins'));
  await writeFile(join(service, 'package.json'), '{ "type": "module" }');
  await writeFile(join(service, 'serverless.yml'), yml);
  await mkdir(join(service, 'functions/probe'), { recursive: true });
  await writeCode(handler('one'));
  // Of the same code, and built apart: its bundle leaves out less.
  await mkdir(join(service, 'functions/health'));
  await writeFile(
    join(service, 'functions/health/handler.ts'),
    `export { handler } from '../probe/handler.ts';`,
  );
  offline = await startOffline({ KAFKA_BROKERS: process.env.KAFKA_BROKERS }, service);
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await rm(service, { recursive: true, force: true });
});

function writeCode(code: string): Promise<void> {
  return writeFile(join(service, 'functions/probe/handler.ts'), code);
}

async function invoke(event: object = {}): Promise<Answer> {
  const path = '/2015-03-31/functions/probe-local-probe/invocations';
  const answer = await fetch(offline.lambdaUrl + path, {
    method: 'POST',
    body: JSON.stringify(event),
    signal: AbortSignal.timeout(20_000),
  });
  return (await answer.json()) as Answer;
}

async function instancesOf(
  calls: number,
): Promise<{ instances: Set<string>; versions: Set<string> }> {
  const answers: Answer[] = [];
  for (let call = 0; call < calls; call += 1) answers.push(await invoke());
  return {
    instances: new Set(answers.map(({ instance }) => instance)),
    versions: new Set(answers.map(({ version }) => version)),
  };
}

async function produce(value: string): Promise<void> {
  const producer = kafka().producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
  await until(`record ${value}`, () =>
    offline.printed().includes(`record ${value} `) ? true : undefined,
  );
}

test('between two rebuilds one instance serves all calls, and a rebuild replaces it once', async () => {
  const before = await instancesOf(10);
  expect([before.instances.size, [...before.versions]]).toEqual([1, ['one']]);
  await produce('first');

  const inFlight = invoke({ slowMs: 4_000 });
  await writeCode(handler('two'));
  await until('the new code', async () => ((await invoke()).version === 'two' ? true : undefined));
  const after = await instancesOf(10);
  expect([after.instances.size, [...after.versions]]).toEqual([1, ['two']]);
  expect([...before.instances]).not.toContain([...after.instances][0]);
  expect((await inFlight).version).toBe('one');

  await produce('second');
  expect(offline.printed()).toContain('record first by one');
  expect(offline.printed()).toContain('record second by two');
  expect(offline.printed().match(/record first/g)).toHaveLength(1);
  expect(offline.printed().match(/Functions built again/g)).toHaveLength(1);
  expect(await readFile(join(service, 'dist/health/handler.js'), 'utf8')).toContain('two');
});

test('code that does not build leaves the earlier code in use', async () => {
  const { version } = await invoke();
  await writeCode('export const handler = async () => {');
  await until('the message', () => (/do not build/.test(offline.printed()) ? true : undefined));
  expect((await invoke()).version).toBe(version);
  await writeCode(handler('three'));
  await until('the mended code', async () =>
    (await invoke()).version === 'three' ? true : undefined,
  );
});

test('a burst is served by four instances, and every call by its own event', async () => {
  const calls = Array.from({ length: 24 }, (_, slowMs) => invoke({ slowMs: 100 + slowMs }));
  const answers = await Promise.all(calls);
  expect(new Set(answers.map(({ instance }) => instance)).size).toBe(4);
  expect(answers.map(({ slowMs }) => slowMs)).toEqual(calls.map((_, i) => 100 + i));
});
