import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { FunctionOptions, Handler } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const mapping = (topic: string) => ({
  topic,
  provisionedPollerConfig: { minimumPollers: 1 },
  maximumRetryAttempts: 0,
});

const sourceOf = (notify: FunctionOptions) =>
  kafkaEventSource({ functions: { notify }, mappings: { notify: mapping('orders') } });

afterEach(() => {
  delete process.env.KIT_TABLE;
});

test('a handler has the variables of its function, and the test keeps its own', async () => {
  process.env.KIT_TABLE = 'of the test';
  const seen: unknown[] = [];
  const handler = async () => {
    const { KIT_TABLE, KIT_ONLY, AWS_LAMBDA_FUNCTION_NAME } = process.env;
    seen.push(KIT_TABLE, KIT_ONLY, AWS_LAMBDA_FUNCTION_NAME, 'KIT_ONLY' in { ...process.env });
    await new Promise(setImmediate);
    seen.push(process.env.KIT_TABLE);
  };
  const environment = { KIT_TABLE: 'of the function', KIT_ONLY: 'yes' };
  await using source = await sourceOf({ handler, environment });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(seen).toEqual(['of the function', 'yes', 'notify', true, 'of the function']);
  expect(process.env.KIT_TABLE).toBe('of the test');
  expect('KIT_ONLY' in process.env).toBe(false);
});

test('functions that run at the same time do not see the variables of each other', async () => {
  const meeting = Promise.withResolvers<void>();
  let met = 0;
  const handler = async () => {
    met += 1;
    if (met === 2) meeting.resolve();
    await meeting.promise;
    return process.env.KIT_TABLE;
  };
  await using source = await kafkaEventSource({
    functions: {
      a: { handler, environment: { KIT_TABLE: 'a' } },
      b: { handler, environment: { KIT_TABLE: 'b' } },
    },
    mappings: { a: mapping('orders'), b: mapping('orders') },
  });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(['a', 'b'].map((key) => source.invocations(key)[0]?.answer)).toEqual(['a', 'b']);
});

test('a module that is loaded for an instance has the variables, too, and those it sets stay in the instance', async () => {
  const load = () => {
    const table = process.env.KIT_TABLE;
    process.env.KIT_COUNT = '0';
    return async () => {
      process.env.KIT_COUNT = String(Number(process.env.KIT_COUNT) + 1);
      return `${table} ${process.env.KIT_COUNT}`;
    };
  };
  await using source = await sourceOf({ load, environment: { KIT_TABLE: 't' } });
  for (const value of ['x', 'y']) {
    await source.produce('orders', { value, partition: 0 });
    await source.idle();
  }
  await source.restart();
  await source.produce('orders', { value: 'z', partition: 0 });
  await source.idle();
  const answers = source.invocations('notify').map(({ answer }) => answer);
  expect(answers).toEqual(['t 1', 't 2', 't 1']);
  expect(process.env.KIT_COUNT).toBeUndefined();
});

test('a test may replace process.env meanwhile; after stop it is a plain property again', async () => {
  const before = process.env;
  const source = await sourceOf({ handler: async () => process.env.KIT_TABLE });
  process.env = { ...before, KIT_TABLE: 'replaced' };
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(source.invocations('notify')[0]?.answer).toBe('replaced');
  process.env = before;
  await source.stop();
  expect(process.env).toBe(before);
  expect(Object.getOwnPropertyDescriptor(process, 'env')).toHaveProperty('value');
});

test('a process with two copies of the kit has the variables of both', async () => {
  const copies = await Promise.all(
    ['import', 'require'].map(async (name) => {
      const file = `./environment.ts?${name}`;
      return (await import(file)) as typeof import('./environment.ts');
    }),
  );
  const { env, exit } = process;
  const ends = copies.map(({ shareProcess }) => shareProcess());
  const seen = () =>
    copies.map(({ inside, environmentOf }, index) => {
      const own = environmentOf({ KIT_TABLE: `${index}` });
      return inside.run({ functionKey: 'notify', env: own, opened: [] }, () => {
        return process.env.KIT_TABLE;
      });
    });
  expect(seen()).toEqual(['0', '1']);
  ends[0]?.();
  expect(seen()[1]).toBe('1');
  ends[1]?.();
  expect(process.env).toBe(env);
  expect(process.exit).toBe(exit);
});

test('the variables of a template reach the handler, those with an unknown value do not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kes-kit-'));
  try {
    const file = join(folder, 'template.json');
    const Properties = {
      KafkaBootstrapServers: ['kafka:9092'],
      SourceAccessConfigurations: [
        { Type: 'BASIC_AUTH', URI: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
      ],
      StartingPosition: 'LATEST',
      Topics: ['orders'],
    };
    const template = {
      Transform: 'AWS::Serverless-2016-10-31',
      Parameters: { Table: { Type: 'String', Default: 'orders-table' } },
      Globals: {
        Function: { Environment: { Variables: { KIT_LEVEL: 'INFO', KIT_TABLE: 'global' } } },
      },
      Resources: {
        Notify: {
          Type: 'AWS::Serverless::Function',
          Properties: {
            Runtime: 'nodejs24.x',
            Environment: {
              Variables: {
                KIT_TABLE: { Ref: 'Table' },
                KIT_SIZE: 5,
                KIT_ARN: { 'Fn::GetAtt': ['Queue', 'Arn'] },
              },
            },
            Events: { Orders: { Type: 'SelfManagedKafka', Properties } },
          },
        },
      },
    };
    await writeFile(file, JSON.stringify(template));
    const handler = async () => {
      const { KIT_LEVEL, KIT_TABLE, KIT_SIZE, KIT_ARN } = process.env;
      return { KIT_LEVEL, KIT_TABLE, KIT_SIZE, KIT_ARN };
    };
    await using source = await kafkaEventSource({ template: file, functions: { Notify: handler } });
    await source.produce('orders', { value: 'x' });
    await source.idle();
    expect(source.invocations('Notify')[0]?.answer).toEqual({
      KIT_LEVEL: 'INFO',
      KIT_TABLE: 'orders-table',
      KIT_SIZE: '5',
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each<[string, () => unknown, number]>([
  ['process.exit', () => process.exit(3), 3],
  ['a signal to the own process', () => process.kill(process.pid), 143],
  ['a signal by its number', () => process.kill(process.pid, 15), 143],
])('%s ends the instance, and not the test', async (_, end, code) => {
  let made = 0;
  const load = (): Handler => {
    made += 1;
    return async () => {
      process.kill(process.pid, 0); // Asks whether the process runs.
      return end();
    };
  };
  const { exit, kill } = process;
  const source = await sourceOf({ load });
  await source.produce('orders', [
    { value: 'x', partition: 0 },
    { value: 'y', partition: 1 },
  ]);
  await source.drain();
  expect(source.invocations('notify')[0]).toMatchObject({
    outcome: 'functionError',
    error: expect.stringMatching(/Runtime exited with error: exit status \d+$/),
  });
  await source.produce('orders', { value: 'z', partition: 0 });
  await source.drain();
  expect(made).toBe(source.invocations('notify').length);
  await source.stop();
  expect(source.invocations('notify')[0]?.error).toContain(`exit status ${code}`);
  expect([process.exit, process.kill]).toEqual([exit, kill]);
});
