import { type Item, itemsOf, type KafkaEvent } from './event.ts';

/** The answer that a mapping with ReportBatchItemFailures reads. */
export type BatchResponse = { batchItemFailures: ItemFailure[] };

/**
 * AWS: unlike for other sources, the identifier of a Kafka record is an object.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
export type ItemFailure = { itemIdentifier: { partition: string; offset: number } };

/** A record to be delivered again: it failed, waits behind its key's failure, or had no time. */
export type Failure = Item &
  ({ why: 'failed'; error: unknown } | { why: 'behind a failure' } | { why: 'no time left' });

/**
 * Gives the records to `step`, one after the other.
 *
 * A key's order is its promise: after its first failure the later records of that key are not begun
 * and fail with it; other keys go on. What cannot be begun in time fails too.
 *
 * @returns the records to be delivered again
 */
export async function walk(
  event: KafkaEvent,
  step: (item: Item) => Promise<void>,
  hasTime: () => boolean,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const blocked = new Set<string>();
  for (const item of itemsOf(event)) {
    const key = orderKeyOf(item);
    const failure =
      key !== undefined && blocked.has(key)
        ? ({ ...item, why: 'behind a failure' } as const)
        : await attempt(item, step, hasTime);
    if (!failure) continue;
    failures.push(failure);
    if (key !== undefined) blocked.add(key);
  }
  return failures;
}

export function responseOf(failures: Failure[]): BatchResponse {
  return {
    batchItemFailures: failures.map(({ partition, record: { offset } }) => ({
      itemIdentifier: { partition, offset },
    })),
  };
}

async function attempt(
  item: Item,
  step: (item: Item) => Promise<void>,
  hasTime: () => boolean,
): Promise<Failure | undefined> {
  if (!hasTime()) return { ...item, why: 'no time left' };
  try {
    await step(item);
    return undefined;
  } catch (error) {
    // Kept with the record: the caller logs it and answers, or throws.
    return { ...item, why: 'failed', error };
  }
}

/** Records without a key have no order among themselves. */
function orderKeyOf({ partition, record: { key } }: Item): string | undefined {
  return typeof key === 'string' ? `${partition} ${key}` : undefined;
}
