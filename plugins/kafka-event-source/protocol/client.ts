/**
 * kafkajs, as this plugin uses it: a copy of its modules that nobody else in the process sees, with
 * some of them replaced. Another plugin's kafkajs, its codecs and its decoding stay as they are.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type kafkajs from 'kafkajs';
import { type Stopwatch, stopwatch } from '../time.ts';
import { withoutAborted } from './aborted.ts';
import { inTurn, type PoolBuilder } from './address.ts';
import { CODECS, decompress } from './codecs.ts';
import { areBatches, decodeBatches } from './decode.ts';
import { type Encoder, encodeRecord, type RecordToWrite } from './encode.ts';
import { type ConsumerGroupClass, improveMembership } from './membership.ts';
import { fetchByIds, metadataWithIds, type ProtocolErrors, type Requests } from './topic-ids.ts';

export type Kafkajs = typeof kafkajs;
/** `load` gives another module of the copy. */
type Replace = (original: never, load: (file: string) => unknown) => unknown;

/** The release whose insides the replacements below were written for. */
const TRIED = '2.2.4';

const require = createRequire(import.meta.url);

const replacements: Readonly<Record<string, Replace>> = {
  'src/protocol/requests/fetch/v4/decodeMessages.js':
    (original: (decoder: Decoder) => Promise<unknown[]>) => (decoder: Decoder) => {
      const { buffer, offset } = decoder;
      const begin = offset + 4;
      const end = begin + buffer.readInt32BE(offset);
      const batches = buffer.subarray(begin, end);
      if (end > buffer.length || !areBatches(batches)) return original(decoder);
      decoder.forward(end - offset);
      return decodeBatches(batches, decompress);
    },
  'src/consumer/filterAbortedMessages.js':
    () =>
    ({ messages, abortedTransactions }: FetchedPartition) =>
      withoutAborted(messages, abortedTransactions ?? []),
  // A fetch of nothing but markers and rolled back records is handed on too, without messages: what
  // it holds is then committed past, and does not look like a lag.
  'src/consumer/batch.js': (original: { prototype: Batch }) => {
    original.prototype.isEmpty = function () {
      return this.rawMessages.length === 0;
    };
    return original;
  },
  'src/consumer/consumerGroup.js': (original: ConsumerGroupClass, load) => {
    const { events } = load('src/consumer/instrumentationEvents.js') as InstrumentationEvents;
    const { KafkaJSStaleTopicMetadataAssignment: Stale } = load('src/errors.js') as Errors;
    const staleAssignment = (topic: string) => new Stale('Topic has been updated', { topic });
    return improveMembership(original, { events, staleAssignment });
  },
  // Every consumer here seeks before it reads. kafkajs asks for the beginnings of all partitions,
  // which fails for all when one of them has no leader.
  'src/consumer/offsetManager/index.js': (original: { prototype: OffsetManager }) => {
    original.prototype.resolveOffsets = async function () {
      for (const [topic, partitions] of Object.entries(this.memberAssignment)) {
        const committed = this.committedOffsets()[topic] ?? {};
        for (const partition of partitions) committed[partition] ??= '0';
      }
    };
    return original;
  },
  'src/cluster/index.js': (original: { prototype: Cluster }) => {
    const { fetchTopicsOffset } = original.prototype;
    original.prototype.fetchTopicsOffset = async function (topics) {
      const led = topics.map(({ topic, partitions, ...rest }) => {
        const metadata = this.findTopicPartitionMetadata(topic);
        const hasLeader = ({ partition }: { partition: number }) =>
          metadata.every(({ partitionId, leader }) => partitionId !== partition || leader >= 0);
        return { topic, partitions: partitions.filter(hasLeader), ...rest };
      });
      try {
        return await fetchTopicsOffset.call(this, led);
      } catch (error) {
        // Leaders have changed: kafkajs keeps those that it knows for minutes.
        await this.refreshMetadata().catch(() => undefined);
        throw error;
      }
    };
    return original;
  },
  // The age of the metadata is told by a clock that no one sets.
  'src/cluster/brokerPool.js': (original: { prototype: object }) => {
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
  'src/protocol/requests/metadata/index.js': (original: Requests, load) =>
    metadataWithIds(original, errorsOf(load)),
  'src/protocol/requests/fetch/index.js': (original: Requests, load) => {
    const Decoder = load('src/protocol/decoder.js') as new (buffer: Buffer) => Decoder;
    const decodeOld = load('src/protocol/requests/fetch/v4/decodeMessages.js') as (
      decoder: Decoder,
    ) => Promise<object[]>;
    const decodeSets = (messages: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(messages.length);
      return decodeOld(new Decoder(Buffer.concat([length, messages])));
    };
    return fetchByIds(original, decompress, decodeSets, errorsOf(load));
  },
  // An IPv6 address has colons of its own.
  'src/cluster/connectionPoolBuilder.js':
    (original: (options: ClusterOptions) => PoolBuilder) => (options: ClusterOptions) =>
      inTurn(original(options), options.brokers),
  // Message sets of Kafka before 0.11 still inflate through these.
  'src/protocol/message/compression/index.js': (original: { Codecs: Record<number, unknown> }) => {
    for (const [number, { name, inflate }] of Object.entries(CODECS)) {
      if (name !== 'gzip') original.Codecs[Number(number)] = () => ({ decompress: inflate });
    }
    return original;
  },
  'src/protocol/recordBatch/record/v0/index.js': (
    original: (record: RecordToWrite) => Encoder,
    load,
  ) => {
    const EncoderClass = load('src/protocol/encoder.js') as new () => Encoder;
    return (record: RecordToWrite) =>
      Array.isArray(record.headers)
        ? encodeRecord(() => new EncoderClass(), record)
        : original(record);
  },
  // Without this a connection wakes up every millisecond, with a negative time: Node warns of it.
  'src/network/requestQueue/index.js': (original: { prototype: RequestQueue }) => {
    const { scheduleCheckPendingRequests: schedule } = original.prototype;
    original.prototype.scheduleCheckPendingRequests = function () {
      if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
    };
    return original;
  },
};

function errorsOf(load: (file: string) => unknown): ProtocolErrors {
  const { createErrorFromCode } = load('src/protocol/error.js') as ProtocolErrors;
  const { KafkaJSOffsetOutOfRange: OutOfRange } = load('src/errors.js') as Errors;
  return { createErrorFromCode, outOfRange: (cause, where) => new OutOfRange(cause, where) };
}

interface Errors {
  readonly KafkaJSOffsetOutOfRange: new (cause: Error, where: object) => Error;
  readonly KafkaJSStaleTopicMetadataAssignment: new (message: string, where: object) => Error;
}

interface InstrumentationEvents {
  readonly events: { readonly GROUP_JOIN: string; readonly HEARTBEAT: string };
}

interface OffsetManager {
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
  committedOffsets(): Readonly<Record<string, Record<number, string>>>;
  resolveOffsets(): Promise<void>;
}

interface Cluster {
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  refreshMetadata(): Promise<void>;
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[] }[],
  ): Promise<unknown>;
}

interface ClusterOptions {
  readonly brokers: readonly string[];
}

interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
  forward(bytes: number): void;
}

interface Batch {
  readonly rawMessages: readonly unknown[];
  isEmpty(): boolean;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

type Filter = Parameters<typeof withoutAborted>;

interface FetchedPartition {
  readonly messages: Filter[0];
  readonly abortedTransactions: Filter[1];
}

export interface Client {
  readonly kafkajs: Kafkajs;
  /** What is not as it should be with another release of kafkajs; undefined when all is well. */
  readonly degraded?: string;
}

const loaded = new Map<string, Client>();

/** Loads kafkajs once. Another release than the tried one is used as it is, and that is said. */
export function loadClient(folder = dirname(require.resolve('kafkajs/package.json'))): Client {
  const client = loaded.get(folder) ?? load(folder);
  loaded.set(folder, client);
  return client;
}

function load(root: string): Client {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (version === TRIED) {
    const modules = new PrivateModules(root, replacements);
    return { kafkajs: modules.require(join(root, 'index.js')) as Kafkajs };
  }
  // Differs from AWS: with kafkajs' own decoder.
  const degraded =
    `kafkajs ${version} is installed, ${TRIED} is what this plugin was tried with: repeated ` +
    'headers lose their order, topics with snappy, lz4 or zstd cannot be read, and IPv6 addresses ' +
    'are not understood. ' +
    `Install kafkajs ${TRIED}.`;
  return { kafkajs: require(root), degraded };
}

type Run = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: unknown },
  filename: string,
  folder: string,
) => void;

/** CommonJS modules below one folder, apart from those that `require` has loaded. */
class PrivateModules {
  readonly #cache = new Map<string, { exports: unknown }>();
  readonly #replacements: ReadonlyMap<string, Replace>;

  readonly #root: string;

  constructor(root: string, replacements: Readonly<Record<string, Replace>>) {
    this.#root = root;
    this.#replacements = new Map(
      Object.entries(replacements).map(([file, replace]) => [
        join(root, ...file.split('/')),
        replace,
      ]),
    );
  }

  require(filename: string): unknown {
    const known = this.#cache.get(filename);
    if (known) return known.exports;
    const module: { exports: unknown } = { exports: {} };
    this.#cache.set(filename, module);
    const code = readFileSync(filename, 'utf8');
    if (filename.endsWith('.json')) module.exports = JSON.parse(code);
    else this.#run(filename, code, module);
    const replace = this.#replacements.get(filename);
    if (replace) {
      const load = (file: string) => this.require(join(this.#root, file));
      module.exports = replace(module.exports as never, load);
    }
    return module.exports;
  }

  #run(filename: string, code: string, module: { exports: unknown }): void {
    const near = createRequire(filename);
    const requireNear = (id: string) =>
      id.startsWith('.') ? this.require(near.resolve(id)) : near(id);
    // A function of this realm: its errors and buffers are those of whoever calls it.
    const run = new Function(
      'exports',
      'require',
      'module',
      '__filename',
      '__dirname',
      `${code}\n//# sourceURL=${encodeURI(filename.replaceAll(sep, '/'))}`,
    ) as Run;
    run(module.exports as object, requireNear, module, filename, dirname(filename));
  }
}
