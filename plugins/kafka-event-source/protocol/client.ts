/**
 * kafkajs with the parts that this plugin replaces.
 *
 * kafkajs 2.2.4 is the last release and has faults that a user of Kafka would meet here and not on
 * AWS. The plugin therefore loads a copy of kafkajs' modules (modules.ts) and replaces those in the
 * list below. The copy belongs to the plugin alone: another plugin's kafkajs stays as it is.
 *
 * Each entry of the list names the module, the fault as a comment, the replacement, and the loss
 * without it. The larger replacements are files of their own beside this one. They rely on kafkajs'
 * insides, so another release of kafkajs is used without them, and a warning tells the losses.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type kafkajs from 'kafkajs';
import { type Stopwatch, stopwatch } from '../time.ts';
import { withoutAborted } from './aborted.ts';
import { inTurn, type PoolBuilder } from './address.ts';
import { CODECS, decompress } from './codecs.ts';
import { areBatches, decodeBatches } from './decode.ts';
import { type Encoder, encodeRecord, type RecordToWrite } from './encode.ts';
import { isUnauthorized } from './errors.ts';
import { type ConsumerGroupClass, improveMembership } from './membership.ts';
import { PrivateModules, type Replacement } from './modules.ts';
import { murmur2 } from './murmur2.ts';
import { type AdminOptions, type BatchClass, withReader } from './reader.ts';
import {
  fetchByIds,
  metadataWithIds,
  type ProtocolErrors,
  type Request,
  type Requests,
} from './topic-ids.ts';

type Kafkajs = typeof kafkajs;

/**
 * A time that makes `fetchTopicOffsetsByTimestamp` return the offset after the last record, open
 * transactions included.
 */
export const HIGH_WATERMARK = -1_000;
const READ_UNCOMMITTED = 0;
/** The names of the groups that remember what was put back begin with this. */
export const REDRIVE_GROUP = 'kafka-redrive.';
const REDRIVE_RETENTION_MS = 10 * 365 * 24 * 60 * 60 * 1_000;
const COMMIT_WITHOUT_RETENTION = 5;

/** The release that the replacements are written for. */
const RELEASE = '2.2.4';

const REPLACEMENTS: readonly (Replacement & { readonly loss: string })[] = [
  // Reads the batches of a fetch. kafkajs makes an object of a record's headers, which loses their
  // order. It asks again without end for a last batch that compaction has emptied.
  {
    file: 'src/protocol/requests/fetch/v4/decodeMessages.js',
    loss: 'repeated headers lose their order, and polling stops at a batch that compaction emptied',
    replace: (original: (decoder: Decoder) => Promise<unknown[]>) => (decoder: Decoder) => {
      const { buffer, offset } = decoder;
      const begin = offset + 4;
      const end = begin + buffer.readInt32BE(offset);
      const batches = buffer.subarray(begin, end);
      if (end > buffer.length || !areBatches(batches)) return original(decoder);
      decoder.forward(end - offset);
      return decodeBatches(batches, decompress);
    },
  },
  // Inflates the message sets of Kafka before 0.11, which the original decoder still reads. kafkajs
  // knows gzip only.
  {
    file: 'src/protocol/message/compression/index.js',
    loss: 'records compressed by snappy, lz4 or zstd cannot be read',
    replace: (original: { Codecs: Record<number, unknown> }) => {
      for (const [number, { name, inflate }] of Object.entries(CODECS)) {
        if (name !== 'gzip') original.Codecs[Number(number)] = () => ({ decompress: inflate });
      }
      return original;
    },
  },
  // Removes the records of aborted transactions. kafkajs lets single records of them through, and
  // takes a key of four zero bytes for the end of a transaction.
  {
    file: 'src/consumer/filterAbortedMessages.js',
    loss: 'some records of aborted transactions are delivered',
    replace:
      () =>
      ({ messages, abortedTransactions }: FetchedPartition) =>
        withoutAborted(messages, abortedTransactions ?? []),
  },
  // Hands on a fetch that has nothing but the ends of transactions and aborted records, so that the
  // poller commits the offset after them. kafkajs skips such a fetch.
  {
    file: 'src/consumer/batch.js',
    loss: 'aborted records at the end of a partition count as lag',
    replace: (original: { prototype: Batch }) => {
      original.prototype.isEmpty = function () {
        return this.rawMessages.length === 0;
      };
      return original;
    },
  },
  // Joins again when a topic was made again, a leader has changed or a commit was refused, sends
  // heartbeats by a monotonic clock, and fetches a resumed partition at once, even while the
  // other partitions have no records.
  {
    file: 'src/consumer/consumerGroup.js',
    loss:
      'a topic that is made again is read from the old position, the member is lost when the clock ' +
      'is set back, and a partition with a full buffer is fetched up to 250 ms late',
    replace: (original: ConsumerGroupClass, load) => {
      const { events } = load('src/consumer/instrumentationEvents.js') as InstrumentationEvents;
      const { KafkaJSStaleTopicMetadataAssignment: Stale } = load('src/errors.js') as Errors;
      const staleAssignment = (topic: string) => new Stale('Topic has been updated', { topic });
      return improveMembership(original, { events, staleAssignment });
    },
  },
  // Leaves the positions to those who seek, as every consumer here does. kafkajs asks for all of
  // them, which fails if a partition has no leader.
  {
    file: 'src/consumer/offsetManager/index.js',
    loss: 'nothing is read while a partition has no leader',
    replace: (original: { prototype: OffsetManager }) => {
      original.prototype.resolveOffsets = async function () {
        for (const [topic, partitions] of Object.entries(this.memberAssignment)) {
          const committed = this.committedOffsets()[topic] ?? {};
          for (const partition of partitions) committed[partition] ??= '0';
        }
      };
      return original;
    },
  },
  // Asks for the offsets of partitions that have a leader, and for the leaders again after an error;
  // knows the offset after open transactions. kafkajs fails for all partitions, and keeps the leaders
  // that it knows for minutes.
  {
    file: 'src/cluster/index.js',
    loss: 'no position is found while a partition has no leader, and no open transaction is told',
    replace: (original: { prototype: Cluster }) => {
      const { fetchTopicsOffset } = original.prototype;
      original.prototype.fetchTopicsOffset = async function (wanted) {
        const isWatermark = wanted.some((one) => one.fromTimestamp === HIGH_WATERMARK);
        const cluster = isWatermark ? uncommitted(this) : this;
        const topics = isWatermark
          ? wanted.map(({ fromTimestamp, ...rest }) => ({ ...rest, fromBeginning: false }))
          : wanted;
        const led = topics.map(({ topic, partitions, ...rest }) => {
          const metadata = this.findTopicPartitionMetadata(topic);
          const hasLeader = ({ partition }: { partition: number }) =>
            metadata.every(({ partitionId, leader }) => partitionId !== partition || leader >= 0);
          return { topic, partitions: partitions.filter(hasLeader), ...rest };
        });
        try {
          return await fetchTopicsOffset.call(cluster, led);
        } catch (error) {
          await this.refreshMetadata().catch(() => undefined);
          throw error;
        }
      };
      return original;
    },
  },
  // Measures the age of the metadata by a clock that is never set, and tells which right is missing
  // when a coordinator is asked for. kafkajs keeps old metadata for as long as the clock of the day
  // was set back, and says of a missing right that there is no coordinator.
  {
    file: 'src/cluster/brokerPool.js',
    loss: 'new partitions are not seen while the clock is set back, and no missing right is told',
    replace: (original: { prototype: BrokerPool }) => {
      const { withBroker } = original.prototype;
      original.prototype.withBroker = async function (work) {
        let refusal: unknown;
        const found = await withBroker.call(this, (one) =>
          work(one).catch((error: unknown) => {
            refusal = error;
            throw error;
          }),
        );
        if (found === null && isUnauthorized(refusal)) throw refusal;
        return found;
      };
      const expiries = new WeakMap<object, { readonly after: number; readonly since: Stopwatch }>();
      Object.defineProperty(original.prototype, 'metadataExpireAt', {
        get(this: object) {
          const expiry = expiries.get(this);
          return expiry ? Date.now() + expiry.after - expiry.since.monotonic() : null;
        },
        set(this: object, at: number | null) {
          if (at === null) expiries.delete(this);
          else expiries.set(this, { after: at - Date.now(), since: stopwatch() });
        },
      });
      return original;
    },
  },
  // Asks for the ids of topics. A partition without a leader is no error of its topic.
  {
    file: 'src/protocol/requests/metadata/index.js',
    loss: 'nothing is read while a partition of any topic has no leader',
    replace: (original: Requests, load) =>
      metadataWithIds(original, encoderOf(load), errorsOf(load)),
  },
  // Fetches by the ids of topics. kafkajs fetches by their names.
  {
    file: 'src/protocol/requests/fetch/index.js',
    loss: 'records of a topic that is made again are taken for those of the old one',
    replace: (original: Requests, load) => {
      const Decoder = load('src/protocol/decoder.js') as new (buffer: Buffer) => Decoder;
      const decodeOld = load('src/protocol/requests/fetch/v4/decodeMessages.js') as (
        decoder: Decoder,
      ) => Promise<object[]>;
      const decodeSets = (messages: Buffer) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(messages.length);
        return decodeOld(new Decoder(Buffer.concat([length, messages])));
      };
      return fetchByIds(original, encoderOf(load), decompress, decodeSets, errorsOf(load));
    },
  },
  // Finds the port of a bootstrap server. kafkajs cuts an address at its first colon, and an IPv6
  // address has colons of its own.
  {
    file: 'src/cluster/connectionPoolBuilder.js',
    loss: 'IPv6 addresses are not understood',
    replace: (original: (options: ClusterOptions) => PoolBuilder) => (options: ClusterOptions) =>
      inTurn(original(options), options.brokers),
  },
  // Keeps the offsets of `sls kafka redrive` for years: the last version of a commit that says for how
  // long is 4. kafkajs' later one leaves it to the broker, which forgets after a week.
  {
    file: 'src/protocol/requests/offsetCommit/index.js',
    loss: 'the command redrive forgets after a week what it has put back',
    replace: (original: Requests): Requests => ({
      versions: original.versions,
      protocol: ({ version }) => {
        if (version < COMMIT_WITHOUT_RETENTION) return original.protocol({ version });
        const plain = original.protocol({ version }) as (options: CommitRequest) => Request;
        const kept = original.protocol({ version: COMMIT_WITHOUT_RETENTION - 1 }) as typeof plain;
        return (options: CommitRequest) =>
          options.groupId.startsWith(REDRIVE_GROUP)
            ? kept({ ...options, retentionTime: REDRIVE_RETENTION_MS })
            : plain(options);
      },
    }),
  },
  // Writes a list of headers in its order, for `sls kafka redrive`. kafkajs writes an object only.
  {
    file: 'src/protocol/recordBatch/record/v0/index.js',
    loss: 'the command redrive cannot put back records with headers',
    replace: (original: (record: RecordToWrite) => Encoder, load) => {
      const encoder = encoderOf(load);
      return (record: RecordToWrite) =>
        Array.isArray(record.headers) ? encodeRecord(encoder, record) : original(record);
    },
  },
  // Hashes a key with integers of 32 bits. kafkajs needs minutes for a key of 1 MB, in which nothing
  // else runs.
  {
    file: 'src/producer/partitioners/default/murmur2.js',
    loss: 'a dead letter with a key of 1 MB stops the process for minutes',
    replace: () => murmur2,
  },
  // Reads records by their offsets, and commits for a group without members. kafkajs does both
  // as a member of a group only.
  {
    file: 'src/admin/index.js',
    loss: 'redrive and generate-event cannot read single records, and no group can be moved',
    replace: (original: (options: AdminOptions) => kafkajs.Admin, load) => {
      const BatchOf = load('src/consumer/batch.js') as BatchClass;
      return (options: AdminOptions) => withReader(original(options), options, BatchOf);
    },
  },
  // Sets the timer for waiting requests only if there are any. kafkajs sets it to a negative time
  // otherwise: the connection wakes up every millisecond, and Node prints a warning.
  {
    file: 'src/network/requestQueue/index.js',
    loss: 'idle connections use the processor',
    replace: (original: { prototype: RequestQueue }) => {
      const { scheduleCheckPendingRequests: schedule } = original.prototype;
      original.prototype.scheduleCheckPendingRequests = function () {
        if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
      };
      return original;
    },
  },
];

function encoderOf(load: (file: string) => unknown): () => Encoder {
  const EncoderClass = load('src/protocol/encoder.js') as new () => Encoder;
  return () => new EncoderClass();
}

function errorsOf(load: (file: string) => unknown): ProtocolErrors {
  const { createErrorFromCode } = load('src/protocol/error.js') as ProtocolErrors;
  const { KafkaJSOffsetOutOfRange: OutOfRange } = load('src/errors.js') as Errors;
  return { createErrorFromCode, outOfRange: (cause, where) => new OutOfRange(cause, where) };
}

export interface Client {
  readonly kafkajs: Kafkajs;
  /** The losses with another release of kafkajs; undefined with the expected one. */
  readonly degraded?: string;
}

const require = createRequire(import.meta.url);
const loaded = new Map<string, Client>();

/** Loads kafkajs once for each folder: with the replacements, or another release as it is. */
export function loadClient(folder = dirname(require.resolve('kafkajs/package.json'))): Client {
  const client = loaded.get(folder) ?? load(folder);
  loaded.set(folder, client);
  return client;
}

function load(folder: string): Client {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (version === RELEASE) {
    return { kafkajs: new PrivateModules(folder, REPLACEMENTS).load('index.js') as Kafkajs };
  }
  // Differs from AWS: the losses.
  const degraded =
    `kafkajs ${version} is installed, but this plugin is written for ${RELEASE}. With another ` +
    `release: ${REPLACEMENTS.map(({ loss }) => loss).join('; ')}. Install kafkajs ${RELEASE}.`;
  return { kafkajs: require(folder), degraded };
}

// The shapes of kafkajs' insides, as far as the replacements above use them.

interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
  forward(bytes: number): void;
}

type Filter = Parameters<typeof withoutAborted>;

interface FetchedPartition {
  readonly messages: Filter[0];
  readonly abortedTransactions: Filter[1];
}

interface Batch {
  readonly rawMessages: readonly unknown[];
  isEmpty(): boolean;
}

interface Errors {
  readonly KafkaJSOffsetOutOfRange: new (cause: Error, where: object) => Error;
  readonly KafkaJSStaleTopicMetadataAssignment: new (message: string, where: object) => Error;
}

interface InstrumentationEvents {
  readonly events: { readonly GROUP_JOIN: string; readonly HEARTBEAT: string };
}

interface CommitRequest {
  readonly groupId: string;
  readonly retentionTime?: number;
}

interface OffsetManager {
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
  committedOffsets(): Readonly<Record<string, Record<number, string>>>;
  resolveOffsets(): Promise<void>;
}

interface BrokerPool {
  /** Null if no broker does the work. */
  withBroker(work: (one: object) => Promise<unknown>): Promise<unknown>;
}

interface Cluster {
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  refreshMetadata(): Promise<void>;
  fetchTopicsOffset(
    topics: {
      topic: string;
      partitions: { partition: number }[];
      fromTimestamp?: number;
      fromBeginning?: boolean;
    }[],
  ): Promise<unknown>;
}

function uncommitted(cluster: Cluster): Cluster {
  return Object.create(cluster, { isolationLevel: { value: READ_UNCOMMITTED } }) as Cluster;
}

interface ClusterOptions {
  readonly brokers: readonly string[];
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}
