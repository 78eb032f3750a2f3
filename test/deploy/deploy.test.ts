// `sls deploy` as for an account, against a mock of AWS. Not part of `npm test`, which needs no Python.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { packageStage } from '../runtime/package.ts';
import { sls } from '../support/sls.ts';
import { type Account, partOf, readAccount } from './account.ts';
import { startMock } from './mock.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_orders-AbCdEf';
const VALUES = {
  KAFKA_BROKERS: 'b-1.example.com:9096,b-2.example.com:9096',
  KAFKA_SECRET_ARN: SECRET,
  SES_IDENTITY: 'example.com',
  NOTIFICATION_FROM: 'orders@example.com',
  ALARM_EMAIL: 'alarms@example.com',
  AUTH_ISSUER: 'https://issuer.example.com',
  AUTH_AUDIENCE: 'orders',
  HASH_SECRET: 'a-secret-of-the-deploy-test',
};
const MSK = {
  ...VALUES,
  MSK_CLUSTER_ARN:
    'arn:aws:kafka:us-east-1:123456789012:cluster/shop/0f0f0f0f-1111-2222-3333-444444444444-5',
  SUBNET_IDS: 'subnet-1111,subnet-2222',
  SECURITY_GROUP_IDS: 'sg-1111',
  KAFKA_SECRET_KEY_ARN:
    'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555',
};
const WAYS = {
  'self-managed-scram': VALUES,
  'self-managed-mtls': VALUES,
  'msk-iam': MSK,
  'msk-scram': MSK,
};
/** One way for each kind of mapping: the later steps do not depend on the sign-in. */
const KEPT_UP = ['self-managed-scram', 'msk-iam'];
const STAGES = ['prod', 'pr-12'];

/** Settings that moto's CloudFormation does not hand on to its Lambda, or does not list. */
const NOT_SHOWN = ['MetricsConfig', 'FunctionName'];

for (const [kind, values] of Object.entries(WAYS)) {
  describe(`KAFKA_KIND=${kind}`, () => {
    let mock: Awaited<ReturnType<typeof startMock>>;
    const run = async (command: string[], change: Record<string, string> = {}) => {
      const env = { ...values, KAFKA_KIND: kind, ...mock.environment, ...change };
      const { code, stdout, stderr } = await sls(command, env);
      assert.equal(code, 0, stdout + stderr + mock.refusals().join('\n'));
      return stdout + stderr;
    };
    const account = () => readAccount(mock.endpoint);

    before(async () => {
      mock = await startMock();
    });
    after(() => mock?.stop());

    test('two stages are made side by side: functions, mapping and table of each as packaged', async () => {
      for (const stage of STAGES) {
        const packaged = await packageStage(stage, { ...values, KAFKA_KIND: kind });
        try {
          await run(['deploy', '--stage', stage, '--package', packaged.folder]);
        } finally {
          await packaged.remove();
        }
        assertMade(partOf(await account(), stage), packaged);
      }
      const whole = await account();
      const counts = (one: Account) => Object.values(one).map((list) => list.length);
      const [one, other] = STAGES.map((stage) => counts(partOf(whole, stage)));
      assert.deepEqual(one, other);
      assert.deepEqual(
        counts(whole),
        one?.map((count) => 2 * count),
      );
    });

    if (KEPT_UP.includes(kind)) {
      test('deployed again, nothing changes', async () => {
        const earlier = await account();
        assert.match(await run(['deploy', '--stage', 'prod']), /No changes to deploy/);
        assert.deepEqual(bare(await account()), bare(earlier));
      });

      test('another topic replaces the mapping, and leaves the other stage alone', async () => {
        const earlier = await account();
        await run(['deploy', '--stage', 'prod'], { ORDER_EVENTS_TOPIC: 'order-events-v2' });
        const [mapping, ...others] = partOf(await account(), 'prod').mappings;
        assert.deepEqual([mapping?.Topics, others], [['order-events-v2'], []]);
        assert.deepEqual(bare(partOf(await account(), 'pr-12')), bare(partOf(earlier, 'pr-12')));
      });
    }

    test('removed, nothing of a stage is left but its table, which is kept', async () => {
      const earlier = await account();
      await run(['remove', '--stage', 'pr-12']);
      assert.deepEqual(bare(partOf(await account(), 'prod')), bare(partOf(earlier, 'prod')));
      await run(['remove', '--stage', 'prod']);
      const { tables, ...rest } = await account();
      assert.deepEqual(rest, { functions: [], mappings: [], buckets: [], topics: [] });
      assert.deepEqual(tables.map(({ TableName }) => TableName).toSorted(), [
        'orders',
        'orders-pr-12',
      ]);
    });

    test('the mock refused nothing but the question for a stack that is not there yet', () => {
      const unexpected = mock
        .refusals()
        .filter((line) => !/does not exist|ResourceNotFoundException|404/.test(line));
      assert.deepEqual(unexpected, []);
    });
  });
}

/** Checks that a stage's resources are those that were packaged. */
function assertMade(made: Account, packaged: Awaited<ReturnType<typeof packageStage>>): void {
  const byName = (one: { name: string }, other: { name: string }) =>
    one.name.localeCompare(other.name);
  assert.deepEqual(
    made.functions
      .map((one) => ({
        name: one.FunctionName ?? '',
        handler: one.Handler,
        runtime: one.Runtime,
        memory: one.MemorySize,
        timeoutMs: (one.Timeout ?? 0) * 1000,
        environment: one.Environment?.Variables,
      }))
      .toSorted(byName),
    packaged.functions
      .map(({ name, handler, memory, timeoutMs, environment }) => ({
        name,
        handler,
        runtime: 'nodejs24.x',
        memory,
        timeoutMs,
        environment,
      }))
      .toSorted(byName),
  );

  const [mapping, ...others] = made.mappings;
  assert.deepEqual(others, []);
  const [wanted] = Object.values(packaged.resources).filter(
    ({ Type }) => Type === 'AWS::Lambda::EventSourceMapping',
  );
  const settings = Object.entries(wanted?.Properties ?? {}).filter(
    ([name]) => !NOT_SHOWN.includes(name),
  );
  assert.ok(settings.length > 8);
  for (const [name, value] of settings) {
    assert.deepEqual([name, mapping?.[name as keyof typeof mapping]], [name, value]);
  }
  assert.match(mapping?.FunctionArn ?? '', /-notify$/);
  assert.deepEqual(
    made.tables.map(({ DeletionProtectionEnabled }) => DeletionProtectionEnabled),
    [true],
  );
  assert.equal(made.topics.length, 1);
}

const bare = ({ functions, mappings, topics, buckets }: Account) =>
  JSON.stringify({ functions, mappings, topics, buckets });

for (const stage of STAGES) {
  test(`with placeholders nothing of stage ${stage} is asked of AWS`, async () => {
    const mock = await startMock();
    try {
      const { code, stdout, stderr } = await sls(['deploy', '--stage', stage], mock.environment);
      assert.equal(code, 1);
      for (const name of Object.keys(VALUES)) assert.match(stdout + stderr, new RegExp(name));
      assert.deepEqual(mock.refusals(), []);
      assert.deepEqual((await readAccount(mock.endpoint)).tables, []);
    } finally {
      await mock.stop();
    }
  });
}
