/** Writes records by hand: of any bytes, a copy of one that is there, or those of a canned event. */
import type { Message } from 'kafkajs';
import { z } from 'zod';
import { cannedEvent, KINDS, type Kind } from '../commands/canned.ts';
import { readMessage } from '../commands/scan.ts';
import { RequestError } from '../control/request.ts';
import type { KafkaEvent } from '../event.ts';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import { loadClient } from '../protocol/client.ts';
import type { Header } from '../protocol/decode.ts';
import { isTooLarge } from '../protocol/errors.ts';
import { listHeaders, orderedHeaders } from '../protocol/headers.ts';
import type { Reader } from '../protocol/reader.ts';
import { within } from '../time.ts';
import { bad } from './error.ts';
import { boundsIn, withKafka } from './kafka.ts';

const SEND_MS = 15_000;
const PRODUCER = { allowAutoTopicCreation: false, retry: { retries: 2, maxRetryTime: 2_000 } };

const text = z.string().nullish();
const partition = z.int().min(0);

/** With `copyOf` or `canned`, the record's own fields are left out. */
export const produceSchema = z.strictObject({
  /** The mapping whose servers are used; the one of the topic by default. */
  mapping: z.string().optional(),
  topic: z.string().min(1).max(249).optional(),
  /** The encoding of key, value and headers. */
  encoding: z.enum(['utf8', 'base64']).default('utf8'),
  key: text,
  /** Null or left out for a tombstone. */
  value: text,
  /** In their order: an object, or a list of names with values, such as for a repeated name. */
  headers: z
    .union([
      z.record(z.string(), z.string()),
      z.array(z.tuple([z.string(), z.string().nullable()])),
    ])
    .default([]),
  partition: partition.optional(),
  /** Milliseconds since 1970. */
  timestamp: z.int().min(0).optional(),
  copyOf: z
    .strictObject({ topic: z.string(), partition, offset: z.coerce.number().int().min(0) })
    .optional(),
  canned: z.enum(Object.keys(KINDS) as [Kind, ...Kind[]]).optional(),
});
export type ProduceWish = z.output<typeof produceSchema>;

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

interface Written {
  readonly records: readonly Place[];
  /** Partition and offset of the first record; undefined if Kafka told none. */
  readonly partition: number | undefined;
  readonly offset: string | undefined;
}

/** The mapping whose servers take the record. @throws RequestError if that is not clear */
export function chooseMapping(
  { topic, copyOf, mapping: uuid }: Pick<ProduceWish, 'topic' | 'copyOf' | 'mapping'>,
  mappings: readonly Mapping[],
): Mapping {
  const wanted = topic ?? copyOf?.topic;
  const found = mappings.find((one) =>
    uuid === undefined ? one.topic === wanted : one.uuid === uuid,
  );
  if (found) return found;
  const [any, ...others] = mappings;
  const servers = (one: Mapping) => one.bootstrapServers.join(',');
  const isOneCluster = any && others.every((one) => servers(one) === servers(any));
  if (uuid === undefined && isOneCluster) return any;
  throw new RequestError(
    400,
    'NoSuchMapping',
    uuid === undefined
      ? `No mapping reads ${wanted}, so it is not clear which servers have it: name a mapping.`
      : `There is no mapping ${uuid}: GET /api/mappings lists the mappings that run here.`,
  );
}

/** Writes the records, or with a dry run only says which. @throws RequestError if Kafka does not take them */
export async function produce(
  mapping: Mapping,
  wish: ProduceWish,
  log: Log,
  isDryRun: boolean,
): Promise<Written | { readonly will: string }> {
  const topic = wish.topic ?? wish.copyOf?.topic;
  if (topic === undefined) throw bad('topic: name the topic that gets the record');
  if (wish.copyOf && wish.canned) throw bad('copyOf, canned: leave one of them out');
  return withKafka(mapping, log, async (admin, kafka) => {
    const partitions = (await boundsIn(admin, topic)).length;
    const messages = await messagesOf(admin, topic, wish, partitions);
    for (const { partition: named = 0 } of messages) {
      // kafkajs would skip a partition that there is not, and report a success.
      if (named >= partitions) {
        throw bad(
          `partition: ${topic} has the partitions 0 to ${partitions - 1}, and not ${named}`,
        );
      }
    }
    if (isDryRun) return { will: sentence(topic, messages, wish) };
    const { Partitioners } = loadClient().kafkajs;
    const createPartitioner = Partitioners.DefaultPartitioner;
    const producer = kafka.producer({ ...PRODUCER, createPartitioner });
    try {
      await within(SEND_MS, 'connecting', producer.connect());
      const places: Place[] = [];
      // One by one, so that each has its offset in the answer.
      for (const message of messages) {
        const [sent] = await within(
          SEND_MS,
          'an acknowledgement',
          producer.send({ topic, messages: [message], acks: -1, timeout: SEND_MS }),
        );
        const { partition: taken = 0, baseOffset = '' } = sent ?? {};
        places.push({ topic, partition: taken, offset: baseOffset });
      }
      return { records: places, partition: places[0]?.partition, offset: places[0]?.offset };
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      throw new RequestError(
        413,
        'RecordTooLarge',
        `${topic} takes no record of this size: raise its max.message.bytes, or send a smaller one.`,
      );
    } finally {
      await producer.disconnect().catch(() => undefined);
    }
  });
}

async function messagesOf(
  admin: Reader,
  topic: string,
  wish: ProduceWish,
  partitions: number,
): Promise<Message[]> {
  const { copyOf, canned, partition: named, timestamp } = wish;
  const own = {
    ...(named !== undefined && { partition: named }),
    ...(timestamp !== undefined && { timestamp: String(timestamp) }),
  };
  if (copyOf) {
    // The record's own partition. If that is not there, the key decides.
    const same = copyOf.partition < partitions ? { partition: copyOf.partition } : {};
    return [{ ...(await original(admin, copyOf)), ...same, ...own }];
  }
  if (canned) {
    const { records } = JSON.parse(cannedEvent(canned, topic)) as KafkaEvent;
    return Object.values(records)
      .flat()
      .map(({ key, value, headers }) => ({
        key: key === undefined ? null : Buffer.from(key, 'base64'),
        value: value === undefined ? null : Buffer.from(value, 'base64'),
        headers: orderedHeaders(
          headers.flatMap((one) =>
            Object.entries(one).map(([name, bytes]) => ({ key: name, value: Buffer.from(bytes) })),
          ),
        ),
        ...own,
      }));
  }
  const { encoding, key, value, headers } = wish;
  const bytes = (given: string | null | undefined, field: string) =>
    given === null || given === undefined ? null : bytesOf(given, encoding, field);
  const list: Header[] = (Array.isArray(headers) ? headers : Object.entries(headers)).map(
    ([name, content]) => ({ key: name, value: bytes(content, `headers.${name}`) }),
  );
  return [
    {
      key: bytes(key, 'key'),
      value: bytes(value, 'value'),
      headers: orderedHeaders(list),
      ...own,
    },
  ];
}

async function original(
  admin: Reader,
  { topic, partition: named, offset }: NonNullable<ProduceWish['copyOf']>,
): Promise<Message> {
  const bounds = (await boundsIn(admin, topic)).find((one) => one.partition === named);
  const isThere = bounds && bounds.low <= offset && offset < bounds.high;
  const found = isThere ? await readMessage(admin, topic, named, offset) : undefined;
  if (!found) {
    throw new RequestError(
      404,
      'RecordGone',
      `${topic}-${named} has no record at offset ${offset} any more: choose one that is still in Kafka.`,
    );
  }
  const { key, value, headers = {} } = found;
  return { key, value, headers: orderedHeaders(listHeaders(headers) as Header[]) };
}

function bytesOf(given: string, encoding: ProduceWish['encoding'], field: string): Buffer {
  if (encoding === 'base64' && !z.base64().safeParse(given).success) {
    throw bad(`${field}: is not base64`);
  }
  return Buffer.from(given, encoding);
}

function sentence(
  topic: string,
  messages: readonly Message[],
  { copyOf, canned }: ProduceWish,
): string {
  const [{ key, value, partition: named } = { value: null }] = messages;
  if (canned)
    return `Writes ${plural(messages.length, 'record')} of the canned event ${canned} to ${topic}.`;
  const size =
    value === null ? 'no value' : `a value of ${plural(Buffer.byteLength(value), 'byte')}`;
  const name =
    key === null || key === undefined ? 'no key' : `the key ${JSON.stringify(String(key))}`;
  const where = named === undefined ? 'the partition that its key gives' : `partition ${named}`;
  // The key of a copy may be private.
  const record = copyOf
    ? `a copy of ${copyOf.topic}-${copyOf.partition} offset ${copyOf.offset} with ${size}`
    : `one record with ${name} and ${size}`;
  return `Writes ${record} to ${topic}, ${where}.`;
}
