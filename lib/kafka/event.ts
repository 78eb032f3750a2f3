import * as z from 'zod';

/**
 * The event that Lambda gives a function behind a Kafka topic, as it really arrives: a null key or
 * value is absent (some libraries expect null), a self-managed cluster has no ARN, and `records`
 * holds several partitions. Only the fields that the answer must name are checked here, so that one
 * odd record does not fail the batch; {@link decode} checks each record.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
 */
const kafkaEventSchema = z.looseObject({
  records: z.record(
    z.string(),
    z.array(
      z.looseObject({
        topic: z.string(),
        partition: z.number(),
        offset: z.number(),
        timestamp: z.number(),
        key: z.string().nullish(),
        value: z.string().nullish(),
      }),
    ),
  ),
});

// AWS: header bytes are Java's, -128 to 127: 0xDC arrives as -36.
const isByte = (value: unknown) =>
  Number.isInteger(value) && -128 <= Number(value) && Number(value) <= 255;
// One check of the whole list: a schema for each byte takes a second for a header of 1 MB.
const bytes = z.custom<number[]>((list) => Array.isArray(list) && list.every(isByte));
const headersSchema = z.array(z.record(z.string(), bytes));

export type KafkaEvent = z.infer<typeof kafkaEventSchema>;
export type KafkaRecord = KafkaEvent['records'][string][number];

/** Kafka allows a name several times, so headers are a list. */
export type Header = { name: string; value: Buffer };

/** A record with the key under which the event lists it, `order-events-0`, and its headers as read. */
export type Item = { partition: string; record: KafkaRecord; headers: Header[] };

/** The whole event is not one of a Kafka event source. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
}

/** @throws InvalidEventError when this is not an event of a Kafka event source */
export function parseEvent(event: unknown): KafkaEvent {
  const parsed = kafkaEventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new InvalidEventError(
    `The event is not one of a Kafka event source (${faults.slice(0, 3).join('; ')}).`,
  );
}

/** All records, partition after partition, each in the order of its offsets. */
export function itemsOf({ records }: KafkaEvent): Item[] {
  return Object.entries(records).flatMap(([partition, list]) =>
    list.toSorted((a, b) => a.offset - b.offset).map((record) => itemOf(partition, record)),
  );
}

/** One record of the event, with its headers read. */
export function itemOf(partition: string, record: KafkaRecord): Item {
  return { partition, record, headers: headersOf(record) };
}

/** The last header of this name as text, as Kafka's own clients choose. */
export function header(headers: Header[], name: string): string | undefined {
  return headers.findLast((candidate) => candidate.name === name)?.value.toString();
}

/** The headers that can be read. A malformed header is left out and does not fail the record. */
function headersOf(record: KafkaRecord): Header[] {
  const parsed = headersSchema.safeParse(record.headers);
  if (!parsed.success) return [];
  return parsed.data.flatMap((header) =>
    Object.entries(header).map(([name, bytes]) => ({ name, value: Buffer.from(bytes) })),
  );
}
