import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { link, PLUGIN } from '../support/root.ts';
import { startOffline } from '../support/sls.ts';
import { Bench, until } from './bench.ts';

const PARTIAL = [
  'partial',
  'partialConsumer',
  'partialParser',
  'partialIdempotent',
  'middyPartial',
  'middyError',
];
const NAMES = [...PARTIAL, 'sample', 'consumer', 'parser', 'idempotent', 'middyWhole'];

let bench: Bench;
let directory: string;
let offline: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  bench = new Bench();
  await bench.createTopic();
  directory = await mkdtemp(join(tmpdir(), 'kes-handlers-'));
  const kafka = {
    accessConfigurations: { saslScram512Auth: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
    bootstrapServers: ['kafka.invalid:9096'],
    topic: bench.topic,
  };
  const partial = {
    functionResponseType: 'ReportBatchItemFailures',
    provisionedPollerConfig: { minimumPollers: 1 },
  };
  const service = {
    service: 'others',
    frameworkVersion: '4',
    plugins: [PLUGIN, 'serverless-offline'],
    provider: {
      name: 'aws',
      runtime: 'nodejs24.x',
      stage: 'local',
      timeout: 29, // Eleven functions load at once: the default of 6 s is too short on a busy machine.
      environment: { POWERTOOLS_DEV: 'true' },
    },
    custom: {
      'serverless-offline': { noSponsor: true },
      kafkaEventSource: { bootstrapServers: process.env.KAFKA_BROKERS, apiPort: 0 },
    },
    functions: Object.fromEntries(
      NAMES.map((name) => [
        name,
        {
          handler: `others.${name}`,
          events: [
            { kafka: { ...kafka, ...(PARTIAL.includes(name) ? partial : {}) } },
            // Without an HTTP event serverless-offline does not print that it is ready.
            { httpApi: `GET /${name}` },
          ],
        },
      ]),
    ),
  };
  await writeFile(join(directory, 'serverless.json'), JSON.stringify(service));
  await cp(new URL('service/others.mjs', import.meta.url), join(directory, 'others.mjs'));
  await link(directory);
  await bench.produce(
    [1, 2, 3].map((id) => ({ key: `k${id}`, value: JSON.stringify({ id }), headers: { h: 'v' } })),
  );
  offline = await startOffline(directory);
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await bench[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Waits for a handler's lines, and returns them without the handler's name. */
async function printed(name: string, count: number): Promise<string[]> {
  const lines = () =>
    offline
      .printed()
      .split('\n')
      .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
  await until(`${count} lines of ${name}`, () => lines().length >= count, {
    withinMs: 40_000,
    seen: offline.printed,
  });
  return lines();
}

test("AWS's sample handler gets its records", async () => {
  expect(await printed('sample', 3)).toEqual(['{"id":1}', '{"id":2}', '{"id":3}']);
});

test('a handler that reports partial failures gets the failed record alone again', async () => {
  expect(await printed('partial', 3)).toEqual(['1', '3', '2']);
});

test("Powertools' Kafka consumer reads keys, values and headers", async () => {
  expect(await printed('consumer', 3)).toEqual([1, 2, 3].map((id) => `k${id} ${id} [{"h":"v"}]`));
});

test("Powertools' parser takes the event", async () => {
  expect(await printed('parser', 3)).toEqual(['k1 1 1', 'k2 2 1', 'k3 3 1']);
});

test("Powertools' idempotency handles each record once when the batch comes twice", async () => {
  expect(await printed('received', 6)).toEqual(['0', '1', '2', '0', '1', '2']);
  expect(await printed('effect', 3)).toEqual(['0', '1', '2']);
});

test.each(['partialConsumer', 'partialParser', 'middyPartial'])(
  '%s reports the failed record, and gets it alone again',
  async (name) => {
    expect(await printed(name, 3)).toEqual(['1', '3', '2']);
  },
);

test("Powertools' idempotency handles the failed record again, and no other", async () => {
  expect(await printed('partialEffect', 4)).toEqual(['0', '1', '2', '1']);
});

test('middy reports all records when the handler throws', async () => {
  // Record 2 fails alone in the second invocation, and comes alone in the third.
  expect(await printed('middyError', 3)).toEqual(['1', '3', '2']);
});

test('an error under middy fails the whole batch', async () => {
  expect(await printed('middyWhole', 4)).toEqual(['1', '1', '2', '3']);
});
