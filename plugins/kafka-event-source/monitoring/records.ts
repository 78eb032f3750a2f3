/** The system log of a mapping, in AWS's form: https://docs.aws.amazon.com/lambda/latest/dg/esm-logging.html */
import { type Mapping, mappingArn } from '../mapping.ts';
import { kafkaErrorOf } from '../protocol/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../settings/settings.ts';

/** A consumer that has joined its group. */
export interface Connected {
  readonly consumerId: string;
  readonly securityProtocol: string;
  readonly saslMechanism: string | undefined;
  /** The partitions of the topic. */
  readonly totalPartitions: number;
  readonly generation: number;
  /** The partitions of this consumer. */
  readonly partitions: readonly number[];
}

/** The offsets of a partition, each the one after the last record of its kind. */
export interface PartitionOffsets {
  readonly partition: number;
  /** The first offset that the partition still has. */
  readonly low: number;
  readonly end: number;
  readonly fetched: number;
  readonly done: number;
  /** -1 for none. */
  readonly committed: number;
}

export interface SystemRecord {
  readonly eventType: 'ESM_PROCESSING_EVENT' | 'POLLER_STATUS_EVENT' | 'KAFKA_STATUS_EVENT';
  /** In milliseconds since 1970. */
  readonly timestamp: number;
  readonly logLevel: LogLevel;
  readonly [member: string]: unknown;
}

type Logged = Pick<
  Mapping,
  'uuid' | 'functionArn' | 'source' | 'topic' | 'groupId' | 'access' | 'systemLogLevel'
>;

/** Writes the records that the mapping's level asks for; none without a level. */
export class SystemLog {
  readonly #mapping: Logged;
  readonly #write: (record: SystemRecord) => void;

  constructor(mapping: Logged, write: (record: SystemRecord) => void) {
    this.#mapping = mapping;
    this.#write = write;
  }

  warn(errorMessage: string, cause: unknown): void {
    const error = { errorMessage, errorCode: errorCodeOf(cause) };
    this.#record('WARN', 'ESM_PROCESSING_EVENT', { error });
  }

  connected({ partitions, ...one }: Connected): void {
    const { topic, groupId, source, access } = this.#mapping;
    this.#record('INFO', 'POLLER_STATUS_EVENT', {
      kafkaEventSourceConnection: {
        brokerEndpoints: source.bootstrapServers,
        consumerId: one.consumerId,
        topics: [topic],
        consumerGroupId: groupId,
        securityProtocol: one.securityProtocol,
        saslMechanism: one.saslMechanism,
        totalPartitionCount: one.totalPartitions,
        assignedPartitionCount: partitions.length,
        partitionsAssignmentGeneration: one.generation,
        assignedPartitions: partitions.map((partition) => `${topic}-${partition}`),
        // Differs from AWS: pollers here are in no VPC. The members are there for readers of the log.
        networkConfig: {
          ipAddresses: ['127.0.0.1'],
          subnetCidrBlock: '127.0.0.0/8',
          securityGroups: access
            .filter(({ type }) => type === 'VPC_SECURITY_GROUP')
            .map(({ uri }) => uri.replace('security_group:', '')),
        },
      },
    });
  }

  offsets(all: readonly PartitionOffsets[]): void {
    for (const { partition, end, fetched, done, committed } of all) {
      this.#record('DEBUG', 'KAFKA_STATUS_EVENT', {
        kafkaPartitionOffsets: {
          partition: `${this.#mapping.topic}-${partition}`,
          endOffset: end,
          // AWS: in its example these two are the last record's own offset.
          consumedOffset: fetched - 1,
          processedOffset: done - 1,
          committedOffset: committed,
        },
      });
    }
  }

  #record(logLevel: LogLevel, eventType: SystemRecord['eventType'], own: object): void {
    const { systemLogLevel: level, uuid, source } = this.#mapping;
    if (!level || LOG_LEVELS.indexOf(logLevel) < LOG_LEVELS.indexOf(level)) return;
    this.#write({
      eventType,
      timestamp: Date.now(),
      resourceArn: mappingArn(this.#mapping),
      // AWS does not show the member for a self-managed cluster, which has no ARN.
      ...(source.eventSource === 'aws:kafka' && { eventSourceArn: source.eventSourceArn }),
      eventProcessorId: `${uuid}/0`,
      logLevel,
      ...own,
    });
  }
}

/** The name of AWS's log stream for the mapping at this time. */
export function streamOf({ uuid }: Pick<Mapping, 'uuid'>, at: number): string {
  return `${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')}/${uuid}`;
}

const ERRORS = 'org.apache.kafka.common.errors.';
/** Errors of Kafka's protocol that Java calls otherwise. */
const OTHERWISE: Readonly<Record<string, string>> = {
  REQUEST_TIMED_OUT: 'Timeout',
  NOT_LEADER_FOR_PARTITION: 'NotLeaderOrFollower',
  GROUP_LOAD_IN_PROGRESS: 'CoordinatorLoadInProgress',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'CoordinatorNotAvailable',
  NOT_COORDINATOR_FOR_GROUP: 'NotCoordinator',
};
/** Names of kafkajs' errors that are none of Kafka's protocol, with Java's names. */
const OWN_ERRORS: readonly (readonly [RegExp, string])[] = [
  [/SASL/, 'SaslAuthenticationException'],
  // As in AWS's example: Java's client waits for a server until its time is over.
  [/Timeout|Connection|NoBroker/, 'TimeoutException'],
];

/** The exception of Java's client for an error, because AWS's pollers name those. */
export function errorCodeOf(error: unknown): string {
  const type = kafkaErrorOf(error);
  if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) {
    const words = type
      .replace(/_FAILED$/, '')
      .toLowerCase()
      .split('_');
    const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    return `${ERRORS}${OTHERWISE[type] ?? name}Exception`;
  }
  const { name, cause } = Object(error);
  const own = `${name} ${Object(cause).name}`;
  const found = OWN_ERRORS.find(([names]) => names.test(own))?.[1];
  return found ? `${ERRORS}${found}` : 'org.apache.kafka.common.KafkaException';
}
