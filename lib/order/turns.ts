// Hands out orders to publish, so that a partition that does not answer delays only its own orders.

/** An order to publish. `end` must be called once, with Kafka's answer. */
export type Turn = { id: string; end(outcome: Outcome): void };

/** `unanswered`: only this partition gave no answer. `none`: it was not asked, or Kafka is away. */
export type Outcome = 'answered' | 'unanswered' | 'none';

type Partition = { isProven: boolean; isAsked: boolean; unanswered: number; waiting: string[] };

/** After two failures in a row the partition is left to the next run. */
const MAX_UNANSWERED = 2;

/**
 * Gives out orders in their sequence, so that a partition that does not answer delays only its
 * own orders. Until a partition has answered once, it gets one order at a time; its others wait.
 *
 * @param partitionOf answers undefined while the number of partitions is not known
 */
export function createTurns(
  orders: AsyncGenerator<string, void>,
  partitionOf: (id: string) => number | undefined,
) {
  const partitions = new Map<number | undefined, Partition>();
  let ready: string[] = []; // the next order is the last entry
  let asked = 0;
  let skipped = 0;
  let isStopped = false;
  let change = Promise.withResolvers<void>();

  const placeOf = (id: string): Partition => {
    const number = partitionOf(id);
    const known = partitions.get(number);
    if (known) return known;
    const fresh = { isProven: false, isAsked: false, unanswered: 0, waiting: [] };
    partitions.set(number, fresh);
    return fresh;
  };
  const turnOf = (id: string, partition: Partition): Turn => {
    if (partition.isProven) return { id, end: (outcome) => note(partition, outcome) };
    partition.isAsked = true;
    asked += 1;
    return {
      id,
      end(outcome) {
        asked -= 1;
        partition.isAsked = false;
        // The order's partition may have become known meanwhile.
        for (const place of new Set([partition, placeOf(id)])) note(place, outcome);
        ready = ready.concat(partition.waiting.toReversed());
        partition.waiting = [];
        change.resolve();
        change = Promise.withResolvers<void>();
      },
    };
  };
  const skip = (id: string) => {
    skipped += 1;
    // Kafka has not answered the number of partitions, so it does not answer at all.
    if (partitionOf(id) === undefined) isStopped = true;
  };

  return {
    /** The next order. Undefined when none is left, also once the orders in progress have ended. */
    async next(): Promise<Turn | undefined> {
      while (!isStopped) {
        const id = ready.pop() ?? (await orders.next()).value;
        if (isStopped) break;
        if (id !== undefined) {
          const partition = placeOf(id);
          if (partition.unanswered < MAX_UNANSWERED && !partition.isAsked) {
            return turnOf(id, partition);
          }
          if (partition.isAsked) partition.waiting.push(id);
          else skip(id);
        } else if (ready.length === 0) {
          if (asked === 0) return undefined;
          await change.promise;
        }
      }
      return undefined;
    },
    /** Ends the giving out of orders. */
    stop() {
      isStopped = true;
    },
    /** The number of orders that were passed over, since their partitions did not answer. */
    skipped: () => skipped,
  };
}

function note(partition: Partition, outcome: Outcome): void {
  if (outcome === 'answered') {
    partition.isProven = true;
    partition.unanswered = 0;
  }
  if (outcome === 'unanswered') partition.unanswered += 1;
}
