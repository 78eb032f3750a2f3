import { expect, test } from '@jest/globals';
import type { LogLevel } from '../settings/settings.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { errorCodeOf, SystemLog, streamOf } from './records.ts';

const uuid = '12345678-1234-1234-1234-123456789012';
const arn = 'arn:aws:kafka:us-east-1:123456789012:cluster/tests-cluster/87654321-s1';
const msk = { eventSource: 'aws:kafka', eventSourceArn: arn, bootstrapServers: 'b:1' } as const;
const connection = {
  consumerId: 'member-1',
  securityProtocol: 'SASL_SSL',
  saslMechanism: 'AWS_MSK_IAM',
  totalPartitions: 3,
  generation: 5,
  partitions: [0, 1],
};
const offsets = { partition: 1, low: 0, end: 5004, fetched: 5004, done: 5004, committed: 5004 };

/** The records of a log with this level, without their times. */
function records(systemLogLevel: LogLevel | undefined, changes = {}): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const mapping = mappingOf('test', ['b:1'], { uuid, source: msk, systemLogLevel, ...changes });
  const log = new SystemLog(mapping, (record) => {
    const { timestamp, ...others } = record;
    expect(Math.abs(Date.now() - Number(timestamp))).toBeLessThan(60_000);
    found.push(others);
  });
  log.warn('Timeout expired', { name: 'KafkaJSConnectionError' });
  log.connected(connection);
  log.offsets([offsets]);
  return found;
}

const head = {
  resourceArn: `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${uuid}`,
  eventSourceArn: arn,
  eventProcessorId: `${uuid}/0`,
};
const warn = {
  eventType: 'ESM_PROCESSING_EVENT',
  ...head,
  logLevel: 'WARN',
  error: {
    errorMessage: 'Timeout expired',
    errorCode: 'org.apache.kafka.common.errors.TimeoutException',
  },
};
const info = {
  eventType: 'POLLER_STATUS_EVENT',
  ...head,
  logLevel: 'INFO',
  kafkaEventSourceConnection: {
    brokerEndpoints: 'b:1',
    consumerId: 'member-1',
    topics: ['test'],
    consumerGroupId: 'test',
    securityProtocol: 'SASL_SSL',
    saslMechanism: 'AWS_MSK_IAM',
    totalPartitionCount: 3,
    assignedPartitionCount: 2,
    partitionsAssignmentGeneration: 5,
    assignedPartitions: ['test-0', 'test-1'],
    networkConfig: {
      ipAddresses: ['127.0.0.1'],
      subnetCidrBlock: '127.0.0.0/8',
      securityGroups: [],
    },
  },
};
const debug = {
  eventType: 'KAFKA_STATUS_EVENT',
  ...head,
  logLevel: 'DEBUG',
  kafkaPartitionOffsets: {
    partition: 'test-1',
    endOffset: 5004,
    consumedOffset: 5003,
    processedOffset: 5003,
    committedOffset: 5004,
  },
};

test.each([
  [undefined, []],
  ['WARN', [warn]],
  ['INFO', [warn, info]],
  ['DEBUG', [warn, info, debug]],
] as const)("level %s has AWS's records, member by member", (level, wanted) => {
  expect(JSON.stringify(records(level))).toBe(JSON.stringify(wanted));
});

test('a self-managed cluster has no ARN, and the security groups are those of the mapping', () => {
  const source = { eventSource: 'SelfManagedKafka', bootstrapServers: 'b:1' } as const;
  const access = [
    { type: 'VPC_SUBNET', uri: 'subnet:subnet-1' },
    { type: 'VPC_SECURITY_GROUP', uri: 'security_group:sg-1' },
  ];
  const [first, second] = records('INFO', { source, access });
  expect(first).not.toHaveProperty('eventSourceArn');
  expect(second).toMatchObject({
    kafkaEventSourceConnection: { networkConfig: { securityGroups: ['sg-1'] } },
  });
});

test("an error has the name of Java's exception", () => {
  const errors = 'org.apache.kafka.common.errors.';
  expect(errorCodeOf({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })).toBe(
    `${errors}UnknownTopicOrPartitionException`,
  );
  expect(errorCodeOf({ type: 'REQUEST_TIMED_OUT' })).toBe(`${errors}TimeoutException`);
  expect(errorCodeOf({ cause: { type: 'GROUP_AUTHORIZATION_FAILED' } })).toBe(
    `${errors}GroupAuthorizationException`,
  );
  expect(errorCodeOf({ name: 'KafkaJSSASLAuthenticationError' })).toBe(
    `${errors}SaslAuthenticationException`,
  );
  expect(errorCodeOf({ name: 'KafkaJSRequestTimeoutError' })).toBe(`${errors}TimeoutException`);
  const gaveUp = { name: 'KafkaJSNonRetriableError', cause: { name: 'KafkaJSConnectionError' } };
  expect(errorCodeOf(gaveUp)).toBe(`${errors}TimeoutException`);
  expect(errorCodeOf(new Error('other'))).toBe('org.apache.kafka.common.KafkaException');
  expect(errorCodeOf(undefined)).toBe('org.apache.kafka.common.KafkaException');
});

test("a record belongs to the mapping's stream of its day", () => {
  const at = Date.parse('2026-11-27T23:59:59Z');
  expect(streamOf({ uuid }, at)).toBe(`2026/11/27/${uuid}`);
});
