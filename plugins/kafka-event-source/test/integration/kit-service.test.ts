import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { kafkaEventSource } from '../../testing/testing.ts';
import { link, PLUGIN } from '../support/root.ts';
import { sls } from '../support/sls.ts';

const event = (topic: string, own: object = {}) => ({
  kafka: {
    accessConfigurations: {
      saslScram512Auth: 'arn:aws:secretsmanager:us-east-1:111111111111:secret:x',
    },
    bootstrapServers: ['kafka.example.com:9096'],
    topic,
    ...own,
  },
});

const service = {
  service: 'shop',
  frameworkVersion: '4',
  plugins: [PLUGIN],
  custom: {
    kafkaEventSource: {
      bootstrapServers: 'localhost:9',
      sasl: { mechanism: 'plain', username: 'me', password: 'confidential' },
    },
    topic: 'orders-$' + '{sls:stage}',
  },
  provider: {
    name: 'aws',
    runtime: 'nodejs24.x',
    region: 'us-east-1',
    environment: { KIT_STAGE: '$' + '{sls:stage}', KIT_TABLE: 'of the provider' },
  },
  functions: {
    notify: {
      handler: 'handler.notify',
      timeout: 9,
      environment: { KIT_TABLE: 'of the function', KIT_ARN: { Ref: 'Queue' } },
      events: [
        event('$' + '{self:custom.topic}', {
          batchSize: 2,
          provisionedPollerConfig: { minimumPollers: 1 },
          functionResponseType: 'ReportBatchItemFailures',
        }),
      ],
    },
    refused: { handler: 'handler.refused', events: [event('late', { maximumRetryAttempts: 3 })] },
  },
};

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-kit-'));
  file = join(folder, 'serverless.json');
  await writeFile(file, JSON.stringify(service));
  await writeFile(join(folder, 'package.json'), '{}');
  await link(folder);
});

afterAll(() => rm(folder, { recursive: true }));

test('a test runs the mappings of a serverless.yml, with its variables and stages', async () => {
  const remaining: number[] = [];
  const notify = async (_event: never, context: { getRemainingTimeInMillis(): number }) => {
    remaining.push(context.getRemainingTimeInMillis());
    const { KIT_STAGE, KIT_TABLE, KIT_ARN } = process.env;
    return { KIT_STAGE, KIT_TABLE, KIT_ARN };
  };
  await using source = await kafkaEventSource({
    service: file,
    stage: 'two',
    functions: { notify },
  });
  await source.produce(
    'orders-two',
    [1, 2, 3].map((value) => ({ value: `${value}`, partition: 0 })),
  );
  await source.idle();
  const sizes = source.invocations('notify').map(({ records }) => records.length);
  expect(sizes).toEqual([2, 1]);
  expect(remaining).toEqual([9_000, 9_000]);
  expect(source.invocations('notify')[0]?.answer).toEqual({
    KIT_STAGE: 'two',
    KIT_TABLE: 'of the function',
  });
});

test("a refused mapping of a serverless.yml is the test's error", async () => {
  const source = kafkaEventSource({ service: file, functions: { refused: async () => undefined } });
  await expect(source).rejects.toThrow('functions.refused.events.kafka: AWS refuses it');
});

test('a service that the framework cannot read is an error with its output', async () => {
  const broken = join(folder, 'broken.yml');
  await writeFile(broken, 'service: [');
  const source = kafkaEventSource({
    service: broken,
    functions: { notify: async () => undefined },
  });
  await expect(source).rejects.toThrow(/cannot read .*broken.yml: .*/s);
});

test('the command shows the mappings, and no password', async () => {
  const text = await sls(['kafka', 'mappings'], folder);
  expect(text.stdout).toContain('refused (late) (functions.refused.events.kafka)');
  expect(text.stdout).toMatch(/BatchSize +2/);
  const json = await sls(['kafka', 'mappings', '--json', '--settings', '{"limits":"aws"}'], folder);
  const [notify, refused] = JSON.parse(json.stdout);
  expect(json.stdout).not.toContain('of the provider'); // It may be a secret.
  expect(notify.mapping).toMatchObject({ topic: 'orders-dev', limits: 'aws', batchSize: 2 });
  expect(refused).not.toHaveProperty('mapping');
  expect(text.stdout + json.stdout).not.toContain('confidential');
  const wrong = await sls(['kafka', 'mappings', '--settings', '{"limit":1}'], folder);
  expect(wrong.stdout + wrong.stderr).toContain('limits');
});

test('a folder without a framework is an error that says what to install', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'kes-kit-'));
  const service = join(empty, 'serverless.yml');
  await writeFile(service, '');
  const source = kafkaEventSource({
    service,
    functions: { notify: async () => undefined },
  });
  await expect(source).rejects.toThrow(`No framework is installed in ${empty}`);
  await rm(empty, { recursive: true });
});
