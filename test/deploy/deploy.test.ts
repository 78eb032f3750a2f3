// `sls deploy` as for an account, against a mock of AWS. Not part of `npm test`, which needs no Python.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { packageProd } from '../runtime/package.ts';
import { sls } from '../support/sls.ts';
import { readAccount } from './account.ts';
import { startMock } from './mock.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_orders-AbCdEf';
const VALUES = {
  KAFKA_BROKERS: 'b-1.example.com:9096,b-2.example.com:9096',
  KAFKA_SECRET_ARN: SECRET,
  SES_IDENTITY: 'example.com',
  NOTIFICATION_FROM: 'orders@example.com',
  ALARM_EMAIL: 'alarms@example.com',
};
const WAYS = {
  'self-managed-scram': VALUES,
  'msk-iam': {
    ...VALUES,
    MSK_CLUSTER_ARN:
      'arn:aws:kafka:us-east-1:123456789012:cluster/shop/0f0f0f0f-1111-2222-3333-444444444444-5',
    SUBNET_IDS: 'subnet-1111,subnet-2222',
    SECURITY_GROUP_IDS: 'sg-1111',
  },
};

/** What moto's CloudFormation does not hand on to its Lambda, or its list does not show. */
const NOT_SHOWN = ['MetricsConfig', 'FunctionName'];

for (const [kind, values] of Object.entries(WAYS)) {
  describe(`KAFKA_KIND=${kind}`, () => {
    let mock: Awaited<ReturnType<typeof startMock>>;
    const run = (command: string) =>
      sls([command, '--stage', 'prod'], { ...values, KAFKA_KIND: kind, ...mock.environment });

    before(async () => {
      mock = await startMock();
    });
    after(() => mock?.stop());

    test('the stack is made: functions, mapping and table as packaged', async () => {
      const { code, stdout, stderr } = await run('deploy');
      assert.equal(code, 0, stdout + stderr + mock.refusals().join('\n'));
      const account = await readAccount(mock.endpoint);
      const packaged = await packageProd({ ...values, KAFKA_KIND: kind });
      await packaged.remove();

      const byName = (one: { name: string }, other: { name: string }) =>
        one.name.localeCompare(other.name);
      assert.deepEqual(
        account.functions
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

      const [mapping, ...others] = account.mappings;
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
      assert.match(mapping?.FunctionArn ?? '', /:orders-prod-notify$/);
      assert.equal(account.table?.DeletionProtectionEnabled, true);
      assert.equal(account.topics.length, 1);
    });

    test('deployed again, nothing changes', async () => {
      const before = await readAccount(mock.endpoint);
      const { code, stdout, stderr } = await run('deploy');
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout + stderr, /No changes to deploy/);
      assert.deepEqual(bare(await readAccount(mock.endpoint)), bare(before));
    });

    test('removed, nothing is left but the table, which is kept', async () => {
      const { code, stdout, stderr } = await run('remove');
      assert.equal(code, 0, stdout + stderr + mock.refusals().join('\n'));
      const { functions, mappings, buckets, topics, table } = await readAccount(mock.endpoint);
      assert.deepEqual({ functions, mappings, buckets, topics }, EMPTY);
      assert.equal(table?.TableStatus, 'ACTIVE');
    });

    test('the mock refused nothing but the question for a stack that is not there yet', () => {
      const unexpected = mock
        .refusals()
        .filter((line) => !/does not exist|ResourceNotFoundException|404/.test(line));
      assert.deepEqual(unexpected, []);
    });
  });
}

const EMPTY = { functions: [], mappings: [], buckets: [], topics: [] };

const bare = ({ functions, mappings, topics, buckets }: Awaited<ReturnType<typeof readAccount>>) =>
  JSON.stringify({ functions, mappings, topics, buckets });

test('with placeholders nothing is asked of AWS', async () => {
  const mock = await startMock();
  try {
    const { code, stdout, stderr } = await sls(['deploy', '--stage', 'prod'], mock.environment);
    assert.equal(code, 1);
    for (const name of Object.keys(VALUES)) assert.match(stdout + stderr, new RegExp(name));
    assert.deepEqual(mock.refusals(), []);
    await assert.rejects(readAccount(mock.endpoint), { name: 'ResourceNotFoundException' });
  } finally {
    await mock.stop();
  }
});
