import type { Context } from 'aws-lambda';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Item, KafkaEvent } from './event.ts';
import type { OutgoingRecord, Producer } from './producer.ts';

/** Headers of a dead letter; the headers of the record itself are in its payload. */
export const DEAD_LETTER_WRITER = 'dead-letter-writer';
export const DEAD_LETTER_REASON = 'dead-letter-reason';
/** Names the fields of the record that did not fit into the letter; the original record has them. */
const DEAD_LETTER_OMITTED = 'dead-letter-omitted';

/** AWS names a record after its last try `RetriesExhausted`; this record was refused at once. */
const CONDITION = 'RecordRefused';

const TIMEOUT_MS = 5_000;
const MAX_REASON = 1_000;
/** kafkajs needs minutes to hash a key of 1 MB, so letters with a longer key go to partition 0. */
const MAX_HASHED_KEY = 8 * 1024;
/** The last millisecond that JavaScript can name. */
const LAST_TIME = 8.64e15;

/** Takes the records that no further delivery can help. */
export type DeadLetters = {
  /**
   * Resolves when Kafka has acknowledged the letter. If a letter is too large for its topic,
   * the largest field of the record is left out, then the next largest. The record's topic,
   * partition, offset and timestamp always stay in the letter.
   *
   * @throws AppError `KAFKA_AWAY`, or `KAFKA_REFUSED` when Kafka does not take even the smallest letter
   */
  add(refused: Refused): Promise<void>;
};

/** A record for the dead letters, with the event and the invocation that brought it. */
export type Refused = Pick<Item, 'partition' | 'record'> & {
  event: KafkaEvent;
  context: Invoked;
  reason: AppError;
};

/** A field of a record that a letter may leave out. */
export type Part = 'key' | 'value' | 'headers';

type Invoked = Pick<Context, 'awsRequestId' | 'functionName' | 'functionVersion'> & {
  invokedFunctionArn?: string;
};

/** @param writer the name of the function that writes the letters, for their readers */
export function createDeadLetters(deps: {
  producer: Pick<Producer, 'send'>;
  topic: string;
  writer: string;
  clock: Clock;
}): DeadLetters {
  const { producer, topic, writer, clock } = deps;
  return {
    async add(refused) {
      const at = clock.now();
      const end = performance.now() + TIMEOUT_MS;
      const parts = partsOf(refused.record);
      for (let omitted = 0; ; omitted += 1) {
        const letter = deadLetterOf(refused, writer, at, parts.slice(0, omitted));
        const left = Math.max(1, Math.round(end - performance.now()));
        try {
          return await producer.send(topic, [letter], left, { gzip: true });
        } catch (error) {
          const isRefusal = error instanceof AppError && error.code === 'KAFKA_REFUSED';
          if (!isRefusal || omitted === parts.length) throw error;
        }
      }
    },
  };
}

/** The record's fields that a letter may leave out, largest first. */
function partsOf(record: Refused['record']): Part[] {
  const { key, value, headers } = record;
  const sizes: [Part, number][] = [
    ['headers', Array.isArray(headers) && headers.length > 0 ? JSON.stringify(headers).length : 0],
    ['value', value?.length ?? 0],
    ['key', key?.length ?? 0],
  ];
  const present = sizes.filter(([, size]) => size > 0).toSorted(([, a], [, b]) => b - a);
  return present.map(([part]) => part);
}

/**
 * The letter in the shape that AWS gives a Kafka on-failure destination, under the record's own key.
 * The payload is the event with this record alone, so its bytes can be put back as they were.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
 *
 * AWS does not define these values for a letter that a function writes: the condition is
 * `RecordRefused`, the count is 1 (the function does not know of earlier invocations), and
 * `functionError` is null, because the function did not fail.
 */
export function deadLetterOf(
  { event, partition, record, context, reason }: Refused,
  writer: string,
  at: Date,
  omitted: Part[] = [],
): OutgoingRecord {
  const shown = without(record, omitted);
  const payload = { ...event, records: { [partition]: [shown] } };
  const letter = {
    requestContext: {
      requestId: context.awsRequestId,
      functionArn: qualified(context),
      condition: CONDITION,
      approximateInvokeCount: 1,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: context.functionVersion,
      functionError: null,
    },
    version: '1.0',
    timestamp: at.toISOString(),
    KafkaBatchInfo: {
      batchSize: 1,
      eventSourceArn: event.eventSourceArn,
      bootstrapServers: event.bootstrapServers,
      payloadSize: Buffer.byteLength(JSON.stringify(payload)),
      recordInfo: {
        offset: String(record.offset),
        timestamp: timeOf(record),
      },
    },
    payload,
  };
  const key = typeof shown.key === 'string' ? Buffer.from(shown.key, 'base64') : null;
  return {
    key,
    ...(key && key.length > MAX_HASHED_KEY && { partition: 0 }),
    value: JSON.stringify(letter),
    headers: {
      'content-type': 'application/json',
      [DEAD_LETTER_WRITER]: writer,
      [DEAD_LETTER_REASON]: `${reason.code}: ${reason.message}`.slice(0, MAX_REASON),
      ...(omitted.length > 0 && { [DEAD_LETTER_OMITTED]: omitted.join(',') }),
    },
  };
}

/** In AWS's shape a record may lack key and value, but always has a list of headers. */
function without(record: Refused['record'], omitted: Part[]): Refused['record'] {
  const shown = { ...record };
  for (const part of omitted) {
    if (part === 'headers') shown.headers = [];
    else delete shown[part];
  }
  return shown;
}

/** A producer may write any number as its time, such as nanoseconds. */
function timeOf({ timestamp }: Refused['record']): string {
  return new Date(Math.max(-LAST_TIME, Math.min(LAST_TIME, timestamp))).toISOString();
}

/**
 * AWS shows the function with its version here; the invocation's own ARN may lack it. Under
 * `sls invoke local` an invocation has no ARN, so the function's name stands in its place.
 */
function qualified({ invokedFunctionArn, functionName, functionVersion }: Invoked): string {
  if (!invokedFunctionArn) return `${functionName}:${functionVersion}`;
  const unqualified = /^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+$/.test(invokedFunctionArn);
  return unqualified ? `${invokedFunctionArn}:${functionVersion}` : invokedFunctionArn;
}
