/**
 * Kafka's requests that know topics by their ids: a topic that is made again has another id, where
 * kafkajs knows its name only. https://kafka.apache.org/protocol#protocol_messages
 */
import type { AbortedTransaction } from './aborted.ts';
import { areBatches, type Decompress, decodeBatches } from './decode.ts';
import type { Encoder } from './encode.ts';

/** The parts of kafkajs that are used. */
export interface Requests {
  readonly versions: readonly string[];
  protocol(options: { readonly version: number }): (options: never) => Request;
}

export interface Request {
  readonly request: object;
  readonly response: object;
  readonly requestTimeout?: number;
}

export interface ProtocolErrors {
  createErrorFromCode(code: number): Error;
  readonly outOfRange: (cause: Error, where: object) => Error;
}

/** With the id of its topic, as this plugin adds it. */
export interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly partitionId: number;
  /** -1 for none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly offlineReplicas: readonly number[];
  /** In hexadecimal digits; undefined for Kafka before 2.8. */
  readonly topicId: string | undefined;
}

interface FetchRequest {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly rackId?: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly FetchedPartition[];
  }[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly fetchOffset: string;
  readonly maxBytes: number;
  readonly topicId?: string | undefined;
}

const METADATA = { key: 3, version: 10, kafkajs: 6 } as const;
const FETCH = { key: 1, version: 13, kafkajs: 11 } as const;
const NO_ID = '0'.repeat(32);
/** The number of tagged fields. */
const NO_TAGS = 0;
const OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;
/**
 * The errors for an unknown topic id. They become UNKNOWN_TOPIC, after which kafkajs refreshes its
 * metadata.
 */
const ID_ERRORS: readonly number[] = [100, 103];
const NETWORK_DELAY_MS = 100;

/** kafkajs' versions, and one above them; in between its highest one serves. */
function extended(
  original: Requests,
  { version, kafkajs }: { version: number; kafkajs: number },
  added: (options: never) => Request,
): Requests {
  return {
    versions: [...original.versions, String(version)],
    protocol: (options) =>
      options.version >= version
        ? added
        : original.protocol({ version: Math.min(options.version, kafkajs) }),
  };
}

/**
 * Metadata with the ids of topics. A partition without a leader is no error of its topic while
 * another partition has one, and none at all of a list of every topic.
 */
export function metadataWithIds(
  original: Requests,
  encoder: () => Encoder,
  errors: ProtocolErrors,
): Requests {
  return extended(
    original,
    METADATA,
    ({ topics, allowAutoTopicCreation = true }: MetadataRequest) => ({
      request: {
        apiKey: METADATA.key,
        apiVersion: METADATA.version,
        apiName: 'Metadata',
        encode: async () => encodeMetadata(encoder, topics, allowAutoTopicCreation),
      },
      response: {
        decode: async (bytes: Buffer) => decodeMetadata(bytes),
        parse: async (answer: Metadata) => {
          if (topics.length > 0) refuseErrors(answer, errors);
          return answer;
        },
      },
    }),
  );
}

interface MetadataRequest {
  readonly topics: readonly string[];
  readonly allowAutoTopicCreation?: boolean;
}

function encodeMetadata(
  encoder: () => Encoder,
  topics: readonly string[],
  allowAutoTopicCreation: boolean,
): Encoder {
  const named = topics.map((topic) =>
    encoder().writeBuffer(bytesOf(NO_ID)).writeUVarIntString(topic).writeUVarInt(NO_TAGS),
  );
  return encoder()
    .writeUVarInt(NO_TAGS)
    .writeUVarIntArray(named.length === 0 ? null : named)
    .writeBoolean(allowAutoTopicCreation)
    .writeBoolean(false)
    .writeBoolean(false)
    .writeUVarInt(NO_TAGS);
}

type Metadata = ReturnType<typeof decodeMetadata>;

function decodeMetadata(bytes: Buffer) {
  const reader = new Reader(bytes).tags();
  const clientSideThrottleTime = reader.int32();
  const brokers = reader.array(() => {
    const nodeId = reader.int32();
    const host = reader.string();
    const broker = { nodeId, host, port: reader.int32(), rack: reader.string() };
    reader.tags();
    return broker;
  });
  const clusterId = reader.string();
  const controllerId = reader.int32();
  const topicMetadata = reader.array(() => {
    const topicErrorCode = reader.int16();
    const topic = reader.string();
    const id = reader.uuid();
    const topicId = id === NO_ID ? undefined : id;
    const isInternal = reader.boolean();
    const partitionMetadata = reader.array((): PartitionMetadata => {
      const partitionErrorCode = reader.int16();
      const partitionId = reader.int32();
      const leader = reader.int32();
      reader.int32(); // The leader's epoch.
      const [replicas, isr, offlineReplicas] = [reader.ints(), reader.ints(), reader.ints()];
      reader.tags();
      const nodes = { leader, replicas, isr, offlineReplicas };
      return { partitionErrorCode, partitionId, ...nodes, topicId };
    });
    reader.int32(); // The authorized operations.
    reader.tags();
    return { topicErrorCode, topic, isInternal, partitionMetadata };
  });
  // The broker has not throttled the request: the client must wait.
  return {
    throttleTime: 0,
    clientSideThrottleTime,
    brokers,
    clusterId,
    controllerId,
    topicMetadata,
  };
}

function refuseErrors({ topicMetadata }: Metadata, { createErrorFromCode }: ProtocolErrors): void {
  for (const { topicErrorCode, partitionMetadata } of topicMetadata) {
    if (topicErrorCode !== 0) throw createErrorFromCode(topicErrorCode);
    const [first] = partitionMetadata;
    const isLed = partitionMetadata.some(({ partitionErrorCode }) => partitionErrorCode === 0);
    if (first && !isLed) throw createErrorFromCode(first.partitionErrorCode);
  }
}

/**
 * Fetches by the ids of topics: the records of a topic that was made again are not taken for those
 * of the old one.
 */
export function fetchByIds(
  original: Requests,
  encoder: () => Encoder,
  decompress: Decompress,
  decodeOld: (messages: Buffer) => Promise<readonly object[]>,
  errors: ProtocolErrors,
): Requests {
  const byNames = original.protocol({ version: FETCH.kafkajs }) as (
    options: FetchRequest,
  ) => Request;
  return extended(original, FETCH, (options: FetchRequest) => {
    const names = new Map<string, string>();
    for (const { topic, partitions } of options.topics) {
      const id = partitions[0]?.topicId;
      if (id === undefined) return byNames(options);
      names.set(id, topic);
    }
    const { key, version } = FETCH;
    return {
      request: {
        apiKey: key,
        apiVersion: version,
        apiName: 'Fetch',
        encode: async () => encodeFetch(encoder, options),
      },
      response: {
        decode: (bytes: Buffer) =>
          decodeFetch(bytes, names, (records) =>
            records.length === 0 || areBatches(records)
              ? decodeBatches(records, decompress)
              : decodeOld(records),
          ),
        parse: async (answer: Fetched) => {
          refuseFetchErrors(answer, errors);
          return answer;
        },
      },
      requestTimeout: options.maxWaitTime + NETWORK_DELAY_MS,
    };
  });
}

function encodeFetch(encoder: () => Encoder, { topics, ...options }: FetchRequest): Encoder {
  const byTopic = topics.map(({ partitions }) => {
    const byPartition = partitions.map(({ partition, fetchOffset, maxBytes }) =>
      // Without the epochs of leaders, and the follower's begin of the log.
      encoder()
        .writeInt32(partition)
        .writeInt32(-1)
        .writeInt64(fetchOffset)
        .writeInt32(-1)
        .writeInt64('-1')
        .writeInt32(maxBytes)
        .writeUVarInt(NO_TAGS),
    );
    return encoder()
      .writeBuffer(bytesOf(partitions[0]?.topicId ?? NO_ID))
      .writeUVarIntArray(byPartition)
      .writeUVarInt(NO_TAGS);
  });
  return (
    encoder()
      .writeUVarInt(NO_TAGS)
      .writeInt32(-1)
      .writeInt32(options.maxWaitTime)
      .writeInt32(options.minBytes)
      .writeInt32(options.maxBytes)
      .writeInt8(options.isolationLevel)
      // No fetch session, and no topics to forget in it.
      .writeInt32(0)
      .writeInt32(-1)
      .writeUVarIntArray(byTopic)
      .writeUVarIntArray([])
      .writeUVarIntString(options.rackId ?? '')
      .writeUVarInt(NO_TAGS)
  );
}

function bytesOf(topicId: string): Buffer {
  return Buffer.from(topicId, 'hex');
}

interface Fetched {
  readonly errorCode: number;
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

interface DecodedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly preferredReadReplica: number;
  readonly messages: readonly object[];
}

async function decodeFetch(
  bytes: Buffer,
  names: ReadonlyMap<string, string>,
  decode: (records: Buffer) => Promise<readonly object[]>,
) {
  const reader = new Reader(bytes).tags();
  const clientSideThrottleTime = reader.int32();
  const errorCode = reader.int16();
  const sessionId = reader.int32();
  const answered = reader.array(() => {
    const topicId = reader.uuid();
    const partitions = reader.array(() => {
      const [partition, errorCode] = [reader.int32(), reader.int16()];
      const [highWatermark, lastStableOffset, lastStartOffset] = [
        String(reader.int64()),
        String(reader.int64()),
        String(reader.int64()),
      ];
      const abortedTransactions = reader.array((): AbortedTransaction => {
        const [producerId, firstOffset] = [String(reader.int64()), String(reader.int64())];
        reader.tags();
        return { producerId, firstOffset };
      });
      const preferredReadReplica = reader.int32();
      const records = reader.bytes();
      reader.tags();
      const offsets = { highWatermark, lastStableOffset, lastStartOffset };
      const read = { abortedTransactions, preferredReadReplica, records };
      return { partition, errorCode, ...offsets, ...read };
    });
    reader.tags();
    return { topicName: names.get(topicId) ?? '', partitions };
  });
  const responses: { topicName: string; partitions: DecodedPartition[] }[] = [];
  // One after the other: compressed records take many times their bytes.
  for (const { topicName, partitions } of answered) {
    const decoded: DecodedPartition[] = [];
    for (const { records, ...rest } of partitions) {
      decoded.push({ ...rest, messages: await decode(records) });
    }
    responses.push({ topicName, partitions: decoded });
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

function refuseFetchErrors({ errorCode, responses }: Fetched, errors: ProtocolErrors): void {
  const failed = responses.flatMap(({ topicName, partitions }) =>
    partitions.map((one) => ({ ...one, topic: topicName })),
  );
  const found = [{ errorCode, topic: '', partition: -1 }, ...failed].find(
    (one) => one.errorCode !== 0,
  );
  if (!found) return;
  const { topic, partition } = found;
  const code = ID_ERRORS.includes(found.errorCode) ? UNKNOWN_TOPIC : found.errorCode;
  const error = errors.createErrorFromCode(code);
  throw code === OUT_OF_RANGE ? errors.outOfRange(error, { topic, partition }) : error;
}

/**
 * Reads the compact forms of Kafka's protocol; a null is an empty list or an empty text. kafkajs'
 * decoder takes one byte too many for compact bytes, and does not see that an answer ends too early.
 */
class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  boolean(): boolean {
    return this.#take(1)[0] === 1;
  }

  int16(): number {
    return this.#take(2).readInt16BE();
  }

  int32(): number {
    return this.#take(4).readInt32BE();
  }

  int64(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  uuid(): string {
    return this.#take(16).toString('hex');
  }

  uvarint(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.#take(1)[0] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  bytes(): Buffer {
    return this.#take(Math.max(0, this.uvarint() - 1));
  }

  string(): string {
    return this.bytes().toString('utf8');
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.uvarint() - 1) }, read);
  }

  ints(): number[] {
    return this.array(() => this.int32());
  }

  /** Passes over the tagged fields. */
  tags(): this {
    for (let count = this.uvarint(); count > 0; count -= 1) {
      this.uvarint();
      this.#take(this.uvarint());
    }
    return this;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new Error('the answer ends too early');
    const bytes = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
