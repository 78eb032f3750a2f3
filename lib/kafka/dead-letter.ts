import type { Context } from 'aws-lambda';
import type { Clock } from '../clock.ts';
import type { AppError } from '../errors.ts';
import type { Item, KafkaEvent } from './event.ts';
import type { OutgoingRecord, Producer } from './producer.ts';

/** Headers of a dead letter; the headers of the record itself are in its payload. */
export const DEAD_LETTER_WRITER = 'dead-letter-writer';
export const DEAD_LETTER_REASON = 'dead-letter-reason';

/** AWS's name for a record given up is `RetriesExhausted`; this one was refused at once. */
const CONDITION = 'RecordRefused';

const TIMEOUT_MS = 5_000;
/** The last millisecond that JavaScript can name. */
const LAST_TIME = 8.64e15;

/** Where records go that no further delivery can help. */
export type DeadLetters = {
  /** Resolves when Kafka has acknowledged the letter. @throws AppError `KAFKA_AWAY` */
  add(refused: Refused): Promise<void>;
};

/** A record that a function sets aside, with the event and the invocation that brought it. */
export type Refused = Item & { event: KafkaEvent; context: Invoked; reason: AppError };

type Invoked = Pick<Context, 'awsRequestId' | 'invokedFunctionArn' | 'functionVersion'>;

/** @param writer the function that sets records aside, as readers of the letters see it */
export function createDeadLetters(deps: {
  producer: Pick<Producer, 'send'>;
  topic: string;
  writer: string;
  clock: Clock;
}): DeadLetters {
  const { producer, topic, writer, clock } = deps;
  return {
    async add(refused) {
      await producer.send(topic, [deadLetterOf(refused, writer, clock.now())], TIMEOUT_MS);
    },
  };
}

/**
 * The letter in the shape that AWS gives a Kafka on-failure destination, under the record's own key.
 * The payload is the event with this record alone, so its bytes can be put back as they were.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
 *
 * What AWS does not define for a function that writes it: the condition is `RecordRefused`, the
 * count is 1 (this invocation; earlier ones are unknown to it), and `functionError` is null, for
 * the function did not fail.
 */
export function deadLetterOf(
  { event, partition, record, context, reason }: Refused,
  writer: string,
  at: Date,
): OutgoingRecord {
  const payload = { ...event, records: { [partition]: [record] } };
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
  return {
    key: typeof record.key === 'string' ? Buffer.from(record.key, 'base64') : null,
    value: JSON.stringify(letter),
    headers: {
      'content-type': 'application/json',
      [DEAD_LETTER_WRITER]: writer,
      [DEAD_LETTER_REASON]: `${reason.code}: ${reason.message}`,
    },
  };
}

/** A producer may write any number as its time, such as nanoseconds. */
function timeOf({ timestamp }: Refused['record']): string {
  return new Date(Math.max(-LAST_TIME, Math.min(LAST_TIME, timestamp))).toISOString();
}

/** AWS shows the function with its version here; the invocation's own ARN may lack it. */
function qualified({ invokedFunctionArn, functionVersion }: Invoked): string {
  const unqualified = /^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+$/.test(invokedFunctionArn);
  return unqualified ? `${invokedFunctionArn}:${functionVersion}` : invokedFunctionArn;
}
