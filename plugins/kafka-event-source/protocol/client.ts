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
import { withoutAborted } from './aborted.ts';
import { inTurn, type PoolBuilder } from './address.ts';
import { CODECS, decompress } from './codecs.ts';
import { areBatches, decodeBatches } from './decode.ts';
import { type Encoder, encodeRecord, type RecordToWrite } from './encode.ts';
import { PrivateModules, type Replacement } from './modules.ts';
import { type ConsumerGroup, wakeOnResume } from './resume.ts';

type Kafkajs = typeof kafkajs;

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
  // Fetches at once when a paused partition is resumed. kafkajs sleeps until the time of a fetch is
  // over while all partitions are paused.
  {
    file: 'src/consumer/consumerGroup.js',
    loss: 'a partition with a full buffer is fetched up to 250 ms late',
    replace: (original: { prototype: ConsumerGroup }) => {
      wakeOnResume(original.prototype);
      return original;
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
  // Writes a list of headers in its order, for `sls kafka redrive`. kafkajs writes an object only.
  {
    file: 'src/protocol/recordBatch/record/v0/index.js',
    loss: '`sls kafka redrive` cannot put back records with headers',
    replace: (original: (record: RecordToWrite) => Encoder, load) => {
      const EncoderClass = load('src/protocol/encoder.js') as new () => Encoder;
      return (record: RecordToWrite) =>
        Array.isArray(record.headers)
          ? encodeRecord(() => new EncoderClass(), record)
          : original(record);
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

interface ClusterOptions {
  readonly brokers: readonly string[];
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}
