/** An order to publish. `end` tells what Kafka said: it must be called once. */
export type Turn = { id: string; end(outcome: Outcome): void };

/** `unanswered`: by the partition alone. `none`: nothing was asked of the partition, or Kafka is away. */
export type Outcome = 'answered' | 'unanswered' | 'none';

type Partition = { isProven: boolean; isAsked: boolean; unanswered: number; waiting: string[] };

/** The second time it is no chance: the partition is left to the next run. */
const MAX_UNANSWERED = 2;

/**
 * Gives out orders in their sequence, so that a partition that does not answer holds up nothing but its
 * own orders: until it has answered once it is asked for one order at a time, while the others wait.
 *
 * @param partitionOf undefined as long as it is not known how many partitions there are
 */
export function createTurns(
  orders: AsyncGenerator<string, void>,
  partitionOf: (id: string) => number | undefined,
) {
  const partitions = new Map<number | undefined, Partition>();
  let ready: string[] = []; // from its end
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
        // By now it may be known which of the partitions it was.
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
    // Kafka has not even said which partitions there are.
    if (partitionOf(id) === undefined) isStopped = true;
  };

  return {
    /** Undefined when there is none, also after those that are still asked for have ended. */
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
    /** No more orders are given out. */
    stop() {
      isStopped = true;
    },
    /** How many orders of partitions that do not answer were passed over. */
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
